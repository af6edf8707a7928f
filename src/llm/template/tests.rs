use serde::Deserialize;

use super::*;
use crate::llm::tokenizer::toy;
use crate::testing::vector_json;

#[derive(Deserialize)]
struct Vectors {
    now: String,
    families: Vec<Family>,
    setup: String,
    messages: Vec<Said>,
    expressions: Vec<Expression>,
    whitespace: Expression,
}

#[derive(Deserialize)]
struct Family {
    name: String,
    /// Whether it only goes through the language, and need not serve.
    is_exercise: bool,
    template: String,
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    messages: Vec<Said>,
    /// What `transformers` renders; `None` where the template refuses.
    text: Option<String>,
    /// What it renders of the folded conversation, where the template refuses this one.
    folded: Option<String>,
}

#[derive(Deserialize)]
struct Expression {
    #[serde(alias = "template")]
    expression: String,
    text: String,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    content: String,
}

fn messages(said: &[Said]) -> Vec<ChatMessage> {
    said.iter().map(|said| ChatMessage::new(&*said.role, &*said.content)).collect()
}

fn vectors() -> (Vectors, DateTime) {
    let vectors: Vectors = vector_json("inference/vectors/templates.json");
    let now = vectors.now.parse().unwrap();
    (vectors, now)
}

/// The toy vocabulary's tokenizer, whose beginning and end are those of the vectors.
fn with_toy<T>(template: &str, then: impl FnOnce(&Gguf<'_>, &Tokenizer) -> T) -> T {
    let bytes = toy::builder().u32("tokenizer.ggml.bos_token_id", 0).text(KEY, template).build();
    let gguf = Gguf::parse("toy.gguf", &bytes).unwrap();
    let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
    then(&gguf, &tokenizer)
}

/// The text for a model, without the guard.
fn plain(prompt: RenderedPrompt) -> String {
    prompt.text.replace(prompt.guard, "")
}

/// Renders the messages as they are, with a template that need not be one for every turn.
fn as_is(
    template: &str,
    tokenizer: &Tokenizer,
    messages: &[ChatMessage],
    now: DateTime,
) -> Result<String, TemplateError> {
    let environment = python::environment(template).unwrap();
    let template = ChatTemplate { environment, takes_system: true };
    template.text(messages, tokenizer, now).map(plain)
}

fn render(template: &str, said: &[(&str, &str)]) -> Result<RenderedPrompt, TemplateError> {
    let messages: Vec<ChatMessage> =
        said.iter().map(|(role, content)| ChatMessage::new(*role, *content)).collect();
    with_toy(template, |gguf, tokenizer| {
        ChatTemplate::from_gguf(gguf, tokenizer)?.render(&messages, tokenizer, PROBED_AT)
    })
}

#[test]
fn every_template_renders_as_by_transformers() {
    let (vectors, now) = vectors();
    for Family { name, template, conversations, .. } in &vectors.families {
        with_toy(template, |_, tokenizer| {
            for Conversation { messages: said, text, .. } in conversations {
                let found = as_is(template, tokenizer, &messages(said), now).ok();
                assert_eq!(&found, text, "{name}");
            }
        });
    }
}

#[test]
fn what_a_model_s_template_refuses_is_rendered_folded() {
    let (vectors, now) = vectors();
    let of_models = vectors.families.iter().filter(|family| !family.is_exercise);
    for Family { name, template, conversations, .. } in of_models {
        with_toy(template, |gguf, tokenizer| {
            let template = ChatTemplate::from_gguf(gguf, tokenizer).unwrap();
            for Conversation { messages: said, text, folded } in conversations {
                let found = template.render(&messages(said), tokenizer, now).unwrap();
                assert_eq!(Some(plain(found)), text.clone().or(folded.clone()), "{name}");
            }
        });
    }
}

/// By Python 3.11: only the side that words are split off from is trimmed.
const SPLIT: &str = "['a', 'b  ']['  a', 'b']";

#[test]
fn expressions_have_the_values_that_python_gives_them() {
    let (vectors, now) = vectors();
    let messages = messages(&vectors.messages);
    let whole = |it: &Expression| format!("{}{{{{ {} }}}}", vectors.setup, it.expression);
    let mut cases: Vec<(String, &str)> =
        vectors.expressions.iter().map(|it| (whole(it), &*it.text)).collect();
    cases.push((vectors.whitespace.expression.clone(), &vectors.whitespace.text));
    cases.push(("{{ '  a b  '.split(none, 1) }}{{ '  a b  '.rsplit(none, 1) }}".to_owned(), SPLIT));
    let mut wrong = Vec::new();
    with_toy("", |_, tokenizer| {
        for (template, wanted) in &cases {
            let found = as_is(template, tokenizer, &messages, now);
            if found.as_ref().ok().map(String::as_str) != Some(*wanted) {
                let expression = template.trim_start_matches(&vectors.setup);
                wrong.push(format!("{expression}: {found:?}, not {wanted:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const CHAT: &str = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + \
    m['content'] + '<|im_end|>\\n' }}{% endfor %}";

#[test]
fn renders_roles_and_contents() {
    let text = render(CHAT, &[("system", "Be kind."), ("user", " hi\n")]).unwrap().text;
    let wanted = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n hi\n<|im_end|>\n";
    assert_eq!(text, wanted);
}

#[test]
fn control_tokens_in_content_are_guarded() {
    let text = render(CHAT, &[("user", "\u{100000}<|im_end|>")]).unwrap().text;
    assert_eq!(text.matches("<|im_end|>").count(), 1);
    assert!(text.contains("\u{100000}<\u{100001}|im_end|>"));
}

#[test]
fn refuses_what_makes_no_prompt() {
    assert!(matches!(render(CHAT, &[]), Err(TemplateError::NoMessages)));
    let role = render(CHAT, &[("tool", "x")]);
    assert!(matches!(role, Err(TemplateError::Role { .. })));
    let refused = render("{{ raise_exception('no system please') }}", &[("user", "x")]);
    assert!(refused.unwrap_err().to_string().contains("no system please"));
    assert!(matches!(render("{% if %}", &[("user", "x")]), Err(TemplateError::Gguf(_))));
}

/// Two turns at the time of the probes, by a template for them.
fn asked(template: &str) -> Result<String, TemplateError> {
    render(template, &[("system", "Be kind."), ("user", " Hi\n")]).map(plain)
}

#[test]
fn templates_as_operators_have_them_serve() {
    let turn = "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}";
    let stripped = turn.replace("['content']", "['content'].strip()");
    let dated = "{{ 'Today is ' + strftime_now('%d %b %Y') + '\n' }}";
    let picky = "{% if messages[0]['role'] == 'system' %}\
        {{ raise_exception('System role not supported') }}{% endif %}";
    let deaf = "{% for m in messages if m.role != 'system' %}";
    let all = "{% for m in messages %}";
    let (system, user) = ("<|im_start|>system\nBe kind.<|im_end|>\n", "<|im_start|>user\n");
    let folded = format!("{user}Be kind.\n\n Hi\n<|im_end|>\n");
    let table = [
        (format!("{all}{stripped}{{% endfor %}}"), format!("{system}{user}Hi<|im_end|>\n")),
        (
            format!("{dated}{all}{turn}{{% endfor %}}"),
            format!("Today is 01 Jan 2025\n{system}{user} Hi\n<|im_end|>\n"),
        ),
        (format!("{picky}{all}{turn}{{% endfor %}}"), folded.clone()),
        (format!("{deaf}{turn}{{% endfor %}}"), folded),
    ];
    for (template, wanted) in table {
        assert_eq!(asked(&template).unwrap(), wanted, "{template}");
    }
}

#[test]
fn a_template_that_cannot_serve_is_refused_when_it_is_read() {
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let shared = "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}\
                  {% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}";
    let table = [
        ("{% for m in messages %}{{ m.content.nope() }}{% endfor %}", "has no method named nope"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", "leaves the question out"),
        ("{{ raise_exception('not today') }}", "not today"),
        ("{{ messages | nope }}", "nope"),
        (endless, "fuel"),
        (shared, "too large for JSON"),
    ];
    for (template, wanted) in table {
        let error = asked(template).unwrap_err();
        assert!(matches!(error, TemplateError::Gguf(_)), "{error}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn a_conversation_that_a_template_refuses_takes_the_form_that_it_wants() {
    let of = |messages: &[(&str, &str)]| {
        let messages: Vec<ChatMessage> =
            messages.iter().map(|(role, text)| ChatMessage::new(*role, *text)).collect();
        let folded = folded(&messages).into_iter().map(|message| (message.role, message.content));
        folded.map(|(role, text)| format!("{role}: {text}")).collect::<Vec<_>>().join("|")
    };
    assert_eq!(of(&[("system", "a"), ("user", "b"), ("user", "c")]), "user: a\n\nb\n\nc");
    assert_eq!(
        of(&[("user", "a"), ("assistant", "b"), ("system", "c"), ("user", "d")]),
        "user: c\n\na|assistant: b|user: d"
    );
    assert_eq!(of(&[("system", "a"), ("assistant", "b")]), "user: a|assistant: b");
}
