//! Where a neuron serves: the axon record, its address and its text forms.
//!
//! The chain stores the address as one integer and says in `ip_type` how to read it; an IPv6
//! address below 2^32 looks like an IPv4 one otherwise, so nothing here reads the integer alone,
//! except the text of records without a type, which is the SDK's (docs/spec/wire.md#axon-record).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::wallet::AccountId;

/// The protocol number that the SDK sends with every record (docs/spec/chain.md#serving).
pub const AXON_PROTOCOL: u8 = 4;

/// A neuron's axon record, as the chain keeps it. The default is a neuron that never served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxonInfo {
    /// Block of the last change; 0 for never.
    pub block: u64,
    /// Version number of the serving software.
    pub version: u32,
    /// The address as an integer; a decimal string in text formats.
    #[serde(with = "decimal")]
    pub ip: u128,
    /// TCP port.
    pub port: u16,
    /// 4 or 6; 0 for a neuron that never served.
    pub ip_type: u8,
    /// Protocol number; [`AXON_PROTOCOL`] from the SDK.
    pub protocol: u8,
    /// Unused.
    pub placeholder1: u8,
    /// Unused.
    pub placeholder2: u8,
}

impl AxonInfo {
    /// The record to publish for `address`. An IPv6 address stays one, also when it maps an IPv4.
    pub fn for_address(address: SocketAddr, version: u32) -> Self {
        let (ip, ip_type) = match address.ip() {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), 4),
            IpAddr::V6(ip) => (ip.to_bits(), 6),
        };
        Self {
            version,
            ip,
            ip_type,
            port: address.port(),
            protocol: AXON_PROTOCOL,
            ..Self::default()
        }
    }

    /// Whether the neuron serves: its address is not zero. The port is not looked at.
    pub fn is_serving(&self) -> bool {
        self.ip != 0
    }

    /// The address, read by `ip_type`. `None` for another type, or an IPv4 beyond 32 bits.
    pub fn address(&self) -> Option<IpAddr> {
        match self.ip_type {
            4 => u32::try_from(self.ip).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
            6 => Some(Ipv6Addr::from_bits(self.ip).into()),
            _ => None,
        }
    }

    /// Where to connect to: `None` for a neuron that does not serve, or whose record names no
    /// address or port 0.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        let address = self.address()?;
        let reachable = self.is_serving() && self.port != 0;
        reachable.then(|| SocketAddr::new(address, self.port))
    }

    /// Whether both records name the same endpoint: version, address, type and port. Protocol,
    /// placeholders and the block do not count, as in the SDK's comparison.
    pub fn is_same_endpoint(&self, other: &Self) -> bool {
        (self.version, self.ip, self.port, self.ip_type)
            == (other.version, other.ip, other.port, other.ip_type)
    }

    /// The SDK's one-line text of the record, with the neuron's keys.
    pub fn summary(&self, hotkey: &AccountId, coldkey: &AccountId) -> String {
        format!(
            "AxonInfo( /ipv{}/{}:{}, {hotkey}, {coldkey}, {} )",
            self.ip_type,
            self.ip_text(),
            self.port,
            self.version,
        )
    }

    /// The SDK's JSON text of the record, with the neuron's keys: its members in its order, with
    /// a space after each colon and comma. Nothing in it needs escaping.
    pub fn to_sdk_json(&self, hotkey: &AccountId, coldkey: &AccountId) -> String {
        let address = format!(
            r#""version": {}, "ip": "{}", "port": {}, "ip_type": {}"#,
            self.version,
            self.ip_text(),
            self.port,
            self.ip_type,
        );
        let keys = format!(r#""hotkey": "{hotkey}", "coldkey": "{coldkey}""#);
        let rest = format!(
            r#""protocol": {}, "placeholder1": {}, "placeholder2": {}"#,
            self.protocol, self.placeholder1, self.placeholder2,
        );
        format!("{{{address}, {keys}, {rest}}}")
    }

    /// The address as text. A record without a usable type is read by the integer's size.
    fn ip_text(&self) -> String {
        let by_size = || match u32::try_from(self.ip) {
            Ok(bits) => Ipv4Addr::from_bits(bits).into(),
            Err(_) => Ipv6Addr::from_bits(self.ip).into(),
        };
        self.address().unwrap_or_else(by_size).to_string()
    }
}

/// 128-bit integers as decimal strings: JSON readers keep no more than 53 bits of a number.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a hotkey's metrics are, as `serve_prometheus` sends it (docs/spec/chain.md#serving).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrometheusInfo {
    /// The node's version, as in an axon record.
    pub version: u32,
    /// The address as a number, IPv4 in the low 32 bits.
    pub ip: u128,
    /// The port.
    pub port: u16,
    /// 4 or 6.
    pub ip_type: u8,
}

impl PrometheusInfo {
    /// The record of a page at `address`.
    pub fn for_address(address: SocketAddr, version: u32) -> Self {
        let AxonInfo { ip, port, ip_type, .. } = AxonInfo::for_address(address, version);
        Self { version, ip, port, ip_type }
    }

    /// Whether both name the same address.
    pub fn is_same_endpoint(&self, other: &Self) -> bool {
        (self.ip, self.port, self.ip_type) == (other.ip, other.port, other.ip_type)
    }
}

/// What the chain says of a hotkey's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrometheusRecord {
    /// The block it was published in: the serving rate limit counts from there.
    pub block: u64,
    /// The record.
    pub info: PrometheusInfo,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    #[derive(Deserialize)]
    struct TextCases {
        vectors: Vec<TextCase>,
    }

    #[derive(Deserialize)]
    struct TextCase {
        fields: Fields,
        ip_as_integer: String,
        is_serving: bool,
        to_string: String,
        str: String,
    }

    #[derive(Deserialize)]
    struct Fields {
        version: u32,
        ip: String,
        port: u16,
        ip_type: u8,
        hotkey: AccountId,
        coldkey: AccountId,
        protocol: u8,
        placeholder1: u8,
        placeholder2: u8,
    }

    fn axon_of(case: &TextCase) -> AxonInfo {
        AxonInfo {
            block: 0,
            version: case.fields.version,
            ip: case.ip_as_integer.parse().unwrap(),
            port: case.fields.port,
            ip_type: case.fields.ip_type,
            protocol: case.fields.protocol,
            placeholder1: case.fields.placeholder1,
            placeholder2: case.fields.placeholder2,
        }
    }

    #[test]
    fn text_forms_match_both_sdks() {
        for file in ["axon-info-7.1.1.json", "axon-info-10.5.0.json"] {
            let cases: TextCases = vector_json(&format!("protocol/vectors/{file}"));
            assert!(!cases.vectors.is_empty());
            for case in &cases.vectors {
                let (axon, fields) = (axon_of(case), &case.fields);
                let (hotkey, coldkey) = (&fields.hotkey, &fields.coldkey);
                assert_eq!(axon.ip_text(), fields.ip);
                assert_eq!(axon.is_serving(), case.is_serving);
                assert_eq!(axon.summary(hotkey, coldkey), case.str);
                assert_eq!(axon.to_sdk_json(hotkey, coldkey), case.to_string);
            }
        }
    }

    #[test]
    fn addresses_and_integers_convert_both_ways() {
        let file: Value = vector_json("chain/vectors/convert.json");
        let cases = file["ip"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let ip: IpAddr = case["ip"].as_str().unwrap().parse().unwrap();
            let axon = AxonInfo::for_address(SocketAddr::new(ip, 8091), 1);
            assert_eq!(axon.ip.to_string(), case["int"].as_str().unwrap());
            assert_eq!(u64::from(axon.ip_type), case["ip_type"].as_u64().unwrap());
            assert_eq!(axon.address(), Some(ip));
            assert_eq!(axon.ip_text(), case["ip"].as_str().unwrap());
        }
    }

    #[test]
    fn account_ids_match_their_addresses() {
        let file: Value = vector_json("chain/vectors/convert.json");
        let cases = file["ss58"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let id: AccountId = case["address"].as_str().unwrap().parse().unwrap();
            let key = format!("0x{}", hex::encode(id.0));
            assert_eq!(key, case["public_key"].as_str().unwrap());
            assert_eq!(id.to_ss58(), case["address"].as_str().unwrap());
        }
    }

    #[test]
    fn a_record_without_type_port_or_address_leads_nowhere() {
        let served = AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 1);
        assert_eq!(served.socket_address(), Some("203.0.113.9:8091".parse().unwrap()));
        let cases = [
            AxonInfo::default(),
            AxonInfo { port: 0, ..served },
            AxonInfo { ip_type: 5, ..served },
            AxonInfo { ip: 1 << 32, ..served },
        ];
        assert!(cases.iter().all(|axon| axon.socket_address().is_none()));
    }

    #[test]
    fn endpoints_differ_by_version_address_type_and_port_only() {
        let axon = AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 7);
        let same = AxonInfo { block: 9, protocol: 0, placeholder1: 1, placeholder2: 2, ..axon };
        assert!(axon.is_same_endpoint(&same));
        let other = [
            AxonInfo { version: 8, ..axon },
            AxonInfo { ip: 1, ..axon },
            AxonInfo { port: 1, ..axon },
            AxonInfo { ip_type: 6, ..axon },
        ];
        assert!(other.iter().all(|other| !axon.is_same_endpoint(other)));
    }

    proptest! {
        #[test]
        fn any_record_survives_json_and_has_a_text(
            ip: u128, port: u16, ip_type: u8, block: u64, version: u32
        ) {
            let axon = AxonInfo { ip, port, ip_type, block, version, ..AxonInfo::default() };
            let text = serde_json::to_string(&axon).unwrap();
            let quoted = format!("\"{ip}\"");
            prop_assert!(text.contains(&quoted));
            prop_assert_eq!(serde_json::from_str::<AxonInfo>(&text).unwrap(), axon);
            let key = AccountId([7; 32]);
            let json: Value = serde_json::from_str(&axon.to_sdk_json(&key, &key)).unwrap();
            let text = json["ip"].as_str().unwrap();
            prop_assert!(text.parse::<IpAddr>().is_ok());
        }

        #[test]
        fn any_address_comes_back(ip: IpAddr, port in 1..=u16::MAX) {
            let address = SocketAddr::new(ip, port);
            let axon = AxonInfo::for_address(address, 1);
            let expected = axon.is_serving().then_some(address);
            prop_assert_eq!(axon.socket_address(), expected);
        }
    }
}
