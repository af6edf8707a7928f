"""Opens and makes key files with bittensor-wallet, and answers with a line of JSON."""

import json
import sys

from bittensor_wallet import Keyfile, Wallet


def open_file(path, password):
    keyfile = Keyfile(path, "file", False)
    pair = keyfile.get_keypair(password) if keyfile.is_encrypted() else keyfile.keypair
    try:
        signs = pair.verify(b"message", pair.sign(b"message"))
    except Exception:
        signs = False
    return {"address": pair.ss58_address, "signs": signs}


def make(wallets, name, password):
    wallet = Wallet(name=name, hotkey="default", path=wallets)
    for create, part in [
        (wallet.create_new_coldkey, "coldkey"),
        (wallet.create_new_hotkey, "hotkey"),
    ]:
        create(
            n_words=12,
            use_password=True,
            overwrite=True,
            suppress=True,
            **{f"{part}_password": password},
        )
    return {
        "coldkey": wallet.coldkeypub.ss58_address,
        "hotkey": wallet.hotkeypub.ss58_address,
        "variable": wallet.hotkey_file.env_var_name(),
        "value": wallet.hotkey_file.save_password_to_env(password),
    }


commands = {"open": open_file, "make": make}
print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))
