//! The run path of an installed `sn1`: `make install` puts libtorch's libraries there. The one of a
//! build in the checkout is in `.cargo/config.toml`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,$ORIGIN/../lib/sn1");
    }
}
