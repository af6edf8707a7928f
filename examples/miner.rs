//! A miner in a few lines: `cargo run --example miner -- 0.0.0.0:8091 <validator's ss58 address>...`
use std::{sync::Arc, time::Duration};

use sn1::{synapse::body::Prompt, wallet::Keypair};
use sn1_actors::axon::*;

/// Says the last message backwards, word by word.
struct Backwards;

impl Miner for Backwards {
    fn answer(&self, prompt: Prompt, _within: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            for word in prompt.messages.last().into_iter().flat_map(|text| text.split(' ').rev()) {
                sink.send(format!("{word} ")).await?; // Ends here when the caller has gone.
            }
            Ok(())
        })
    }

    fn blacklist(&self, caller: &Caller) -> Result<(), String> {
        if caller.stake < 1.0 { Err("Too little stake".to_owned()) } else { Ok(()) }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().ok_or("say where to listen, such as 127.0.0.1:8091")?.parse()?;
    let callers: Result<Vec<_>, _> = arguments.map(|text| Ok((text.parse()?, 100.0))).collect();
    let callers = callers.map_err(|error: sn1::wallet::WalletError| error)?;
    let settings = AxonSettings::new("miner", Keypair::from_dev_path("//Bob")?);
    let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(Backwards))?;
    println!("serving on {}", axon.address());
    std::io::stdin().read_line(&mut String::new())?; // Until Enter, or the end of input.
    Ok(())
}
