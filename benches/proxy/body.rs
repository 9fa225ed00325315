//! Bodies of messages: JSON orders of an exact size.

/// An order goes through these, one message each, so that an order ends and its follower lets it go.
pub const STATUSES: [&str; 8] = [
    "SUBMITTED",
    "PRICE_CALCULATED",
    "PRICE_CALCULATED",
    "MANUFACTURING_APPROVED",
    "MANUFACTURING_STARTED",
    "MANUFACTURING_COMPLETED",
    "PACKAGING",
    "SHIPPED",
];

/// A JSON order of exactly so many bytes.
pub fn body(index: usize, bytes: usize) -> String {
    let mut seed = index as u64 + 1;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let status = STATUSES[index % STATUSES.len()];
    let mut body = format!(r#"{{"at":1000000000,"orderId":"JW-0000000000","status":"{status}""#);
    if bytes > 200 {
        body += &format!(r#","customerId":"C-{:04}","currency":"EUR","lines":[{{"sku":"A","qty":1}}"#, random(9000));
        while body.len() + 120 < bytes {
            let (sku, quantity, price) = (random(100_000), random(9) + 1, random(50_000));
            body +=
                &format!(r#",{{"sku":"JW-R-{sku:05}","qty":{quantity},"price":{}.{:02}}}"#, price / 100, price % 100);
        }
        body.push(']');
    }
    let note = bytes.checked_sub(body.len() + r#","note":""}"#.len()).unwrap();
    let note: String = (0..note).map(|_| char::from(b'a' + u8::try_from(random(26)).unwrap())).collect();
    body += &format!(r#","note":"{note}"}}"#);
    let json: serde_json::Result<serde_json::Value> = serde_json::from_str(&body);
    assert!(json.is_ok() && body.len() == bytes, "a body must be JSON, and as long as it should be");
    body
}
