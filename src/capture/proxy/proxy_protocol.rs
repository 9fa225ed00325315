//! The PROXY protocol, version 2 (HAProxy's `proxy-protocol.txt`, section 2.2): tells the broker the client's address.

use std::net::{IpAddr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and a connection made for somebody else.
const PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// The header for a client at `client` that connected to `proxy`.
pub(super) fn header(client: SocketAddr, proxy: SocketAddr) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.push(PROXY);
    match (client.ip().to_canonical(), proxy.ip().to_canonical()) {
        (IpAddr::V4(client), IpAddr::V4(proxy)) => {
            header.extend([TCP_OVER_IPV4, 0, 12]);
            header.extend(client.octets());
            header.extend(proxy.octets());
        }
        (client, proxy) => {
            header.extend([TCP_OVER_IPV6, 0, 36]);
            header.extend(v6(client));
            header.extend(v6(proxy));
        }
    }
    header.extend(client.port().to_be_bytes());
    header.extend(proxy.port().to_be_bytes());
    header
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_in_the_header_as_the_specification_has_them() {
        let v4 = header("10.1.2.3:51000".parse().expect("one"), "10.0.0.1:5673".parse().expect("one"));
        assert_eq!(v4[..16], *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c");
        assert_eq!(v4[16..], [10, 1, 2, 3, 10, 0, 0, 1, 0xc7, 0x38, 0x16, 0x29]);
        let v6 = header("[fe80::1]:1".parse().expect("one"), "[::1]:2".parse().expect("one"));
        assert_eq!((v6[13], v6[15], v6.len()), (0x21, 36, 52));
        let mapped = header("[::ffff:10.1.2.3]:1".parse().expect("one"), "[::ffff:10.0.0.1]:2".parse().expect("one"));
        assert_eq!((mapped[13], mapped.len()), (0x11, 28));
    }
}
