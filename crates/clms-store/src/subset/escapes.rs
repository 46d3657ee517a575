//! Percent escapes in data ids.
//!
//! The crate percent-encoding escapes all that is not ASCII and lets stray percent signs pass; ids are for people to read, and for one
//! place only.

/// What means something in a data id, or can't stand in a file name.
fn is_special(c: char) -> bool {
    matches!(c, '%' | '&' | '?' | '#' | '|' | '/' | '\\' | '~') || c.is_control()
}

/// `text` as a part of a data id, with percent escapes of its special characters.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if is_special(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        } else {
            encoded.push(c);
        }
    }
    encoded
}

/// The inverse of [`encoded`], for any percent escapes.
pub(crate) fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = behind;
            continue;
        }
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            return Err("% begins two hexadecimal digits, and stands for itself as %25".to_owned());
        };
        bytes.push(byte);
        rest = &behind[2..];
    }
    String::from_utf8(bytes).map_err(|_| "its escapes are no UTF-8".to_owned())
}
