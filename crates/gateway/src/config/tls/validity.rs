//! When a certificate ends, read from its DER (RFC 5280 section 4.1). rustls judges certificates of servers that it asks, and
//! so has no need to tell.

use std::time::SystemTime;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter`; `None`: that is no certificate.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let mut rest = certificate;
    let mut certificate = expect(&mut rest, SEQUENCE)?;
    let mut body = expect(&mut certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        expect(&mut body, VERSION)?;
    }
    let (_serial, _signature, _issuer) = (value(&mut body)?, value(&mut body)?, value(&mut body)?);
    let mut validity = expect(&mut body, SEQUENCE)?;
    let (_not_before, (kind, not_after)) = (value(&mut validity)?, value(&mut validity)?);
    time(kind, not_after)
}

/// The next value, which has to be of this kind.
fn expect<'a>(input: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let (found, content) = value(input)?;
    (found == kind).then_some(content)
}

/// The next value, its kind first (X.690 section 8.1).
fn value<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let [kind, length, rest @ ..] = *input else {
        return None;
    };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((*kind, content))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time(kind: u8, text: &[u8]) -> Option<SystemTime> {
    let text = str::from_utf8(text).ok()?;
    let text = match kind {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, time) = digits.split_at(8);
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
    let rfc3339 = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    humantime::parse_rfc3339(&rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use switchboard_testkit::Certificates;

    use super::*;

    fn at(text: &str) -> Option<SystemTime> {
        Some(humantime::parse_rfc3339(text).expect("a time"))
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        for (kind, text, expected) in [
            (UTC_TIME, "261130215342Z", at("2026-11-30T21:53:42Z")),
            (UTC_TIME, "491231235959Z", at("2049-12-31T23:59:59Z")),
            (UTC_TIME, "991231235959Z", at("1999-12-31T23:59:59Z")),
            (
                GENERALIZED_TIME,
                "20500101000000Z",
                at("2050-01-01T00:00:00Z"),
            ),
            // No end is meant (RFC 5280 section 4.1.2.5).
            (
                GENERALIZED_TIME,
                "99991231235959Z",
                at("9999-12-31T23:59:59Z"),
            ),
            (UTC_TIME, "2611302153Z", None),
            (UTC_TIME, "261130215342+0100", None),
            (UTC_TIME, "261399215342Z", None),
            (UTC_TIME, "", None),
            (UTC_TIME, "é", None),
            (GENERALIZED_TIME, "2050010100000éZ", None),
            (0x02, "20500101000000Z", None),
        ] {
            assert_eq!(time(kind, text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_end_is_what_openssl_says() {
        let certificates = Certificates::make();
        let pem = certificates.path("server.pem");
        let der = CertificateDer::from_pem_file(&pem).expect("a certificate");
        let said =
            certificates.openssl(&format!("x509 -in {pem} -noout -enddate -dateopt iso_8601"));
        let said = said.trim().strip_prefix("notAfter=").expect("an end");
        assert_eq!(not_after(&der), at(&said.replace(' ', "T")));
    }

    #[test]
    fn what_is_cut_or_damaged_is_no_certificate_or_one_with_an_end() {
        let certificates = Certificates::make();
        let pem = fs::read(certificates.path("server.pem")).expect("a certificate");
        let der = CertificateDer::from_pem_slice(&pem)
            .expect("a certificate")
            .to_vec();
        for end in 0..der.len() {
            assert_eq!(not_after(&der[..end]), None);
        }
        for index in 0..der.len() {
            for byte in [0x00, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xff] {
                let mut damaged = der.clone();
                damaged[index] = byte;
                // It must not panic.
                let _ = not_after(&damaged);
            }
        }
    }
}
