#!/usr/bin/env python3
"""Writes tests/data/inference/vectors/templates.json: chat templates rendered by `transformers`.

    python -m venv venv && venv/bin/pip install transformers==5.24.0 jinja2==3.1.6
    venv/bin/python bench/template_vectors.py

The templates are our own. Each uses the constructs by which a family of models writes its own, or goes
through one part of the language. A conversation is rendered by transformers' own function, with the
clock stopped at NOW. Where a template refuses it, the vector says so, and `folded` is what it gives for
the same conversation with the system message inside the first user turn.
"""

import datetime
import json
import pathlib

import jinja2
from transformers.utils import chat_template_utils

NOW = datetime.datetime(2025, 3, 9, 7, 5, 3)
TOKENS = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}

SYSTEM = {"role": "system", "content": "Be kind and short. "}
USER = {"role": "user", "content": " What is\n  Zürich's \"river\"? <b>5 & 6</b>\n"}
ANSWER = {"role": "assistant", "content": "<think>\nA river.\n</think>\n\nThe Limmat.\n"}
MORE = {"role": "user", "content": "And 日本's?"}
CONVERSATIONS = [[USER], [SYSTEM, USER], [USER, ANSWER, MORE], [SYSTEM, USER, ANSWER, MORE]]

FAMILIES = {
    "chatml": """\
{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "default system message": """\
{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You help.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}
""",
    "llama 3": """\
{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message comes out of the list. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{{- "<|start|>system<|end|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Knowledge until: December 2023\\n" }}
{{- "Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot|>" }}

{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at a time!") }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
""",
    "gemma": """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<turn>' + role + '
' + message['content'] | trim + '<end>
' }}{% endfor %}{% if add_generation_prompt %}{{'<turn>model
'}}{% endif %}""",
    "gemma 3": """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Roles must alternate") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<turn>model
'}}
{%- endif -%}
""",
    "mistral": """\
{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}""",
    "mistral with tools": """\
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}

{#- Roles alternate, without those of tools. #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}{{- tool | tojson }}{%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
""",
    "mistral small": """\
{%- set today = strftime_now("%Y-%m-%d") %}
{%- set default_system_message = "You were made in France.\\nThe current date is " + today + ".\\n\\nAsk when in doubt (e.g. \\"what are\\" => \\"where do you live?\\")." %}
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- if messages[0]['content'] is string %}
        {%- set system_message = messages[0]['content'] %}
    {%- else %}
        {%- set system_message = messages[0]['content'][0]['text'] %}
    {%- endif %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set system_message = default_system_message %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }}
{%- for message in loop_messages %}
    {%- if message['role'] == 'user' %}
        {%- if message['content'] is string %}
            {{- '[INST]' + message['content'] + '[/INST]' }}
        {%- else %}
            {{- '[INST]' }}
            {%- for block in message['content'] %}
                {%- if block['type'] == 'text' %}{{- block['text'] }}{%- endif %}
            {%- endfor %}
            {{- '[/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'system' %}
        {{- '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- message['content'] + eos_token }}
    {%- else %}
        {{- raise_exception('Only user, system and assistant roles are supported!') }}
    {%- endif %}
{%- endfor %}
""",
    "qwen 2.5": """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You help.' }}
    {%- endif %}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "<|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen 3": """\
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
""",
    "phi": """\
{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|sep|>' + message['content'] + '<|im_end|>'}}{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|sep|>' + message['content'] + '<|im_end|>'}}{% elif (message['role'] == 'assistant') %}{{'<|im_start|>assistant<|sep|>' + message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant<|sep|>' }}{% else %}{{ eos_token }}{% endif %}""",
    "granite": """\
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set system_message = "Knowledge until: April 2024.
Date: " + strftime_now('%B %d, %Y') + ".
You help." %}
    {%- if tools and documents %}
        {%- set system_message = system_message + " Use tools and documents." %}
    {%- elif documents %}
        {%- set system_message = system_message + " Use documents." %}
    {%- elif thinking %}
        {%- set system_message = system_message + " Think first." %}
    {%- endif %}
    {%- if 'citations' in controls and documents %}
        {%- set system_message = system_message + ' Cite.' %}
    {%- endif %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- '<|role|>system<|/role|>' + system_message + '<|text_end|>
' }}
{%- for message in loop_messages %}
    {{- '<|role|>' + message['role'] + '<|/role|>' + message['content'] + '<|text_end|>
' }}
    {%- if loop.last and add_generation_prompt %}
        {{- '<|role|>assistant' }}
            {%- if controls %}
                {{- ' ' + controls | tojson()}}
            {%- endif %}
        {{- '<|/role|>' }}
    {%- endif %}
{%- endfor %}
""",
    "deepseek": """\
{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='', is_first_sp=true) %}{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first_sp %}{% set ns.system_prompt = ns.system_prompt + message['content'] %}{% set ns.is_first_sp = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- endif %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system_prompt }}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns.is_tool %}{{'<｜tool▁outputs▁end｜>' + message['content'] + '<｜end｜>'}}{%- set ns.is_tool = false -%}{%- else %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end｜>'}}{%- endif %}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'<｜tool▁outputs▁end｜>'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}""",
    "llama 2": """\
{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
}

# Templates that go through the language, and need not serve a model.
EXERCISES = {
    "macros": """\
{%- macro tool_text(name, args={}, indent=4) %}
{{- name ~ ': ' ~ args | tojson(indent=indent) }}
{%- endmacro %}
{%- macro turn(message, prefix='') -%}
    <|im_start|>{{ prefix }}{{ message.role | upper }}: {{ caller(message.content) if caller is defined else message.content | trim }} ({{ strftime_now('%Y') }})
{% endmacro -%}
{{ tool_text('search', {'q': 'x<y', 'n': 2}) }}
{% for message in messages %}
{{ turn(message, prefix='> ') }}
{%- endfor %}
{%- call(text) turn(messages[-1]) %}[{{ text | replace('\\n', ' ') | trim }}]{% endcall %}
{% filter upper %}end{% endfilter %}
""",
    "reordering": """\
{%- set ns = namespace(system='', turns=[]) -%}
{%- for message in messages if message.role == 'system' -%}
  {%- set ns.system = ns.system ~ message.content -%}
{%- endfor -%}
{%- for message in messages | rejectattr('role', 'equalto', 'system') -%}
  {%- set ns.turns = ns.turns + [message] -%}
{%- endfor -%}
{{ ns.system }}|{{ ns.turns | map(attribute='role') | join(',') }}|{{ ns.turns | length }}|
{%- for turn in ns.turns -%}
  {{ loop.cycle('a', 'b') }}{{ '+' if loop.changed(turn.role) else '-' }}{{ loop.previtem.role if loop.previtem is defined else '^' }}>{{ turn.role }}>{{ loop.nextitem.role if loop.nextitem is defined else '$' }} {{ loop.revindex }}/{{ loop.length }};
{%- endfor -%}
{{ (messages | first).role }} {{ (messages | last).role }} {{ messages | map(attribute='content') | map('length') | sum }}
""",
    "generation": """\
{% for message in messages %}
    {% if message.role == 'assistant' %}
        {% generation %}
        {{ message.content }}
        {% endgeneration %}
    {% else %}
{{ message.role }}: {{ message.content }}
    {%- generation -%} [{{ loop.index }}] {%- endgeneration +%}
    {% endif %}
{% endfor %}
{%- set x = 'outer' %}{% generation %}{% set x = 'inner' %}{{ x }}{%endgeneration%} {{ x }}
assistant:
""",
    "loop controls": """\
{% for message in messages %}
  {% if message.role == 'system' %}{% continue %}{% endif %}
  {% if loop.index > 2 %}
    {% break %}
  {% endif %}
{{ loop.index }}{{ message.role }} {{ message.content }}
{% endfor %}
{%- for i in range(10) %}{% if i is odd %}{% continue %}{% endif %}{% if i > 6 %}{% break %}{% endif %}{{ i }}{% endfor %}
{{ messages[-1].content }}
""",
}

# Expressions whose values are rendered between bars. `text` is a sample.
EXPRESSIONS = {
    "string methods": """
text.strip(); text.lstrip(); text.rstrip(); text.strip('?" '); 'xxaxx'.lstrip('x'); 'xxaxx'.rstrip('x'); text.upper();
text.lower(); text.title(); 'hello World'.capitalize(); text.replace('o', '0'); text.replace('o', '0', 1);
text.startswith('  He'); text.endswith(('!', '?"  ')); 'a,b,c'.split(','); 'a,b,c'.split(',', 1); 'a,b,c'.rsplit(',', 1);
text.split(); ' a  b '.split(' '); 'a b c'.rsplit(); 'a\\nb\\n\\nc'.splitlines(); 'a\\nb\\n'.splitlines(true);
'a\\r\\nb\\rc'.splitlines(); text.find('o'); text.rfind('o'); 'abc'.find('z'); 'abc'.index('c'); 'abcb'.rindex('b');
text.count('l'); ', '.join(['a', 'b']); '{}-{x}'.format(1, x=2); 'abc'.isalpha(); 'ab1'.isalnum(); '12'.isdigit();
'12'.isnumeric(); '12'.isdecimal(); 'AB'.isupper(); 'ab'.islower(); ' '.isspace(); 'é'.isascii(); 'Ab Cd'.istitle();
'prefix-x'.removeprefix('prefix-'); 'x.md'.removesuffix('.md'); 'x'.removeprefix('y'); 'k=v=w'.partition('=');
'k=v=w'.rpartition('='); 'nope'.partition('='); 'nope'.rpartition('='); '7'.zfill(3); '-7'.zfill(3); 'ab'.center(5, '*');
'ab'.ljust(4, '.'); 'ab'.rjust(4); 'aBc'.swapcase(); 'Straße'.casefold(); 'abc'[::-1]; 'abc'[1:]; 'abc'[-1]; 'abc'[:-1];
'aXbX'.split('X'); 'a<think>b</think>c'.split('</think>')[-1].split('<think>')[0]; text.startswith('H', 2);
text.endswith('?', 0, -3); 'abcabc'.find('c', 3); 'a-b'.split(sep='-'); 'a b c'.split(maxsplit=1); 'a,b'.split(',') | last
""",
    "list and dict methods": """
[1, 2, 1].count(1); ['a', 'b'].index('b'); d.get('a'); d.get('z'); d.get('z', 'none'); d.keys() | list; d.values() | list;
d.items() | list; d | items | list; d | dictsort; d.copy(); [3, 1].copy(); (1, 2, 1).count(1); (1, 2).index(2); d | length;
'a' in d; d['b']; d.b; d['z'] is defined; [3, 1, 2] | sort; [1, 2] + [3]; [[1, 2], [3]] | sum(start=[]); d.items() | length;
['a', 'b'] | join('-'); d.items() | map('first') | list; [1, 2, 3][1:]; [1, 2, 3][-1]; [1, 2] | reverse | list;
[1, 1, 2] | unique | list; [1, 2, 3, 4] | batch(2) | list; dict(x=1, y='z'); dict(d, a=2); 'z' in d.keys(); 1 in [1, 2];
d.keys() | length; d.values() | first; messages[0].get('tool_calls') is none; messages[0].items() | list | length
""",
    "values": """
true; none; false; 1; 1.0; 2.5; 1 / 2; 7 // 2; -7 // 2; 7 % 3; 2 ** 3; []; {}; 'q"q\\'q'; ['a', 'b\\'c', none, true, 1.5];
{'k': [1, {'x': none}]}; (1,); (1, 2); [('a', 1)]; 'a' ~ 1 ~ true ~ none; '' ~ 1.0; 'x' * 3; [0] * 2; 1 == 1.0; 'a' < 'b';
'b' in 'abc'; 2 not in [1]; not ''; 1 and 'x'; '' or 'y'; none | default('d'); missing | default('d'); '' | default('d', true);
'%s-%05.2f|%d' | format('a', 3.14159, 7); 3.7 | int; '3' | int; 'x' | int(5);
2.567 | round(2); 2.5 | round | int; -3 | abs; '42' | float; 'abc' | list; 'a b' | wordcount; missing; 1 if false;
'abc' | first; 'ab' | center(6); '<b>' | e; '<p>hi</p>' | striptags;
'line\\nnext' | indent(2); 'line\\nnext' | indent(2, true); 'a' is string; 1 is number; [] is sequence; {} is mapping;
none is none; 'A' is upper; true is boolean; 4 is divisibleby(2); 'a' is in(['a']); 1 is sameas(1); true | string;
none | string; 'x y' | urlencode; 'hello world' | title; 'a' 'b'; 1 < 2 < 3; [1, 2, 3] | select('odd') | list | tojson
""",
    "json": """
text | tojson; d | tojson; [1, 2.0, none, true, 'é<>&\\''] | tojson; {} | tojson; [] | tojson; d | tojson(indent=2);
[1, [2, {}], []] | tojson(indent=4); d | tojson(ensure_ascii=true); 'é😀' | tojson(true); d | tojson(separators=(',', ':'));
{'b': 1, 'a': {'d': 1, 'c': 2}} | tojson(sort_keys=true); {1: 'x', none: 3} | tojson; messages[0] | tojson;
messages | tojson(indent=1); (1, 2) | tojson; 1.5 | tojson; '\\x7f\\n\\t\\\\/' | tojson; d | tojson(indent='--');
{'a': [1, 2]} | tojson(separators=(',', ': '), indent=2); d | tojson(false, 4); d.items() | list | tojson; true | tojson
""",
    "time": """
strftime_now('%d %b %Y'); strftime_now('%B %-d, %Y'); strftime_now('%A %a %w %u %j %U %W %V %G'); strftime_now('%F %T %D %R %%');
strftime_now('%H:%M:%S %I %p %y %m %e %-m %-H'); strftime_now('%c'); strftime_now('%x %X'); strftime_now('[%Z][%z]');
strftime_now('%Y-%m-%dT%H:%M:%S'); strftime_now('plain'); strftime_now('%h %C %k %l'); strftime_now('%f'); strftime_now('100%')
""",
}
SETUP = """\
{%- set text = "  Hello <World>, who's \\"there\\"?  " -%}
{%- set d = {'b': 1, 'a': 'é<'} -%}
"""

WHITESPACE = """\
  {# a comment #}
  {% if true %}
    kept
  {%- if true -%}
    tight
  {%- endif %}

  {% endif %}
  {{ 'a' }}
	{% if true %}tab{% endif %} x
  {%+ if true %}plus{% endif +%}
{% raw %}{{ raw }} {% if %}{% endraw %}
{% set block %}  in {{ messages[0].role }}
{% endset %}[{{ block }}]
{% with a = 1 %}{{ a }}{% endwith %}{{ a }}
{{- '\\n' -}}
end

"""


def listed(table):
    """The expressions in a table."""
    return [expression.strip() for expression in table.split(";")]


def folded(messages):
    """The conversation with its system messages inside the first user turn."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [dict(message) for message in messages if message["role"] != "system"]
    first = next(message for message in others if message["role"] == "user")
    first["content"] = "\n\n".join([*system, first["content"]])
    return others


def render(template, messages):
    """The text by transformers; `None` where the template refuses."""
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [messages], chat_template=template, add_generation_prompt=True, **TOKENS
        )
        return texts[0]
    except jinja2.TemplateError as error:
        print(f"refused: {error}")
        return None


class StoppedClock(datetime.datetime):
    """A clock that always shows NOW."""

    @classmethod
    def now(cls, tz=None):
        return NOW


def main():
    chat_template_utils.datetime = StoppedClock
    families = []
    for name, template in {**FAMILIES, **EXERCISES}.items():
        conversations = []
        for messages in CONVERSATIONS:
            text = render(template, messages)
            vector = {"messages": messages, "text": text}
            if text is None:
                vector["folded"] = render(template, folded(messages))
            conversations.append(vector)
        families.append(
            {
                "name": name,
                "is_exercise": name in EXERCISES,
                "template": template,
                "conversations": conversations,
            }
        )
    expressions = []
    for name, table in EXPRESSIONS.items():
        for expression in listed(table):
            template = SETUP + "{{ " + expression + " }}"
            text = render(template, [USER])
            assert text is not None, expression
            expressions.append({"part": name, "expression": expression, "text": text})
    whitespace = {"template": WHITESPACE, "text": render(WHITESPACE, [USER])}
    root = pathlib.Path(__file__).resolve().parent.parent
    path = root / "tests/data/inference/vectors/templates.json"
    vectors = {
        "now": NOW.isoformat(),
        "families": families,
        "setup": SETUP,
        "messages": [USER],
        "expressions": expressions,
        "whitespace": whitespace,
    }
    path.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n")
    print(f"{len(families)} templates, {len(expressions)} expressions in {path.name}")


if __name__ == "__main__":
    main()
