//! What a body may be, and what its fields may be.

use super::*;

#[test]
fn a_body_is_one_json_object() {
    let nested = |levels: usize| {
        let arrays = levels - 1;
        format!("{{\"x\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays)).into_bytes()
    };
    let mut theme = Theme::open();
    theme.expect(
        stays([201]),
        hold,
        cases! {
            "two fields make a hold" => HOLD,
            "white space around an object is allowed" =>
                b" \t\r\n{\"product_id\":1,\"quantity\":1}\n\n",
            "white space in an object is allowed" =>
                b"{ \"product_id\"\t:\n1 , \"quantity\" :\r1 }",
            "a name may be written with escapes" => br#"{"product\u005fid":1,"quantit\u0079":1}"#,
            "a customer may be written in any letters" =>
                b"{\"product_id\":1,\"quantity\":1,\"customer\":\"\xc3\xa9\"}",
            "a customer may be written with a pair of surrogates" =>
                br#"{"product_id":1,"quantity":1,"customer":"\ud83d\ude00"}"#,
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        hold,
        cases! {
            "an empty body is refused" => b"",
            "a space is refused" => b" ",
            "an object without its end is refused" => b"{",
            "a field without its value is refused" => b"{\"product_id\":}",
            "a name without a value is refused" => b"{\"product_id\"}",
            "a name without quotes is refused" => b"{product_id:1}",
            "single quotes are refused" => b"{'product_id':1}",
            "a comma after the last field is refused" => b"{\"product_id\":1,}",
            "no comma between fields is refused" => b"{\"product_id\":1 \"quantity\":1}",
            "a bracket for a brace is refused" => b"{\"product_id\":1]",
            "a brace too many is refused" => b"{\"product_id\":1,\"quantity\":1}}",
            "a word after the object is refused" => b"{\"product_id\":1,\"quantity\":1} x",
            "a second object is refused" => b"{\"product_id\":1,\"quantity\":1}{}",
            "a NUL after the object is refused" => b"{\"product_id\":1,\"quantity\":1}\0",
            "a comment is refused" => b"{\"product_id\":1,\"quantity\":1}//",
            "a form feed is no white space" => b"\x0c{\"product_id\":1,\"quantity\":1}",
            "a byte order mark is refused" => b"\xef\xbb\xbf{\"product_id\":1,\"quantity\":1}",
            "UTF-16 is refused" => b"\xff\xfe{\0}\0",
            "a list is refused" => b"[]",
            "a list of objects is refused" => b"[{\"product_id\":1,\"quantity\":1}]",
            "a number is refused" => b"1",
            "a string is refused" => b"\"product_id\"",
            "null is refused" => b"null",
            "true is refused" => b"true",
            "a number with a leading zero is refused" => b"{\"product_id\":01,\"quantity\":1}",
            "a number with a plus sign is refused" => b"{\"product_id\":+1,\"quantity\":1}",
            "a number that begins with a point is refused" => b"{\"product_id\":.5,\"quantity\":1}",
            "a number that ends with a point is refused" => b"{\"product_id\":1.,\"quantity\":1}",
            "a number that ends with an exponent is refused" =>
                b"{\"product_id\":1e,\"quantity\":1}",
            "a hexadecimal number is refused" => b"{\"product_id\":0x1,\"quantity\":1}",
            "NaN is refused" => b"{\"product_id\":NaN,\"quantity\":1}",
            "infinity is refused" => b"{\"product_id\":Infinity,\"quantity\":1}",
            "True is refused" => b"{\"product_id\":True,\"quantity\":1}",
            "bytes that are no UTF-8 are refused" => b"{\"product_id\":\"\xff\"}",
            "an overlong slash is refused" => b"{\"x\":\"\xc0\xaf\"}",
            "half a surrogate pair in UTF-8 is refused" => b"{\"x\":\"\xed\xa0\xbd\"}",
            "the first half of a pair is refused" => br#"{"x":"\ud83d"}"#,
            "the second half of a pair is refused" => br#"{"x":"\ude00"}"#,
            "the halves of a pair in their wrong order are refused" => br#"{"x":"\ude00\ud83d"}"#,
            "the first half of a pair before a letter is refused" => br#"{"x":"\ud83d\u0041"}"#,
            "half a pair in a name is refused" => br#"{"\ud83d":1}"#,
            "half a pair far inside is refused" => br#"{"x":{"y":["\udfff"]}}"#,
            "an unknown escape is refused" => br#"{"x":"\q"}"#,
            "an escape of three digits is refused" => br#"{"x":"\u041"}"#,
            "a line feed in a string is refused" => b"{\"x\":\"y\nz\"}",
            "a NUL in a string is refused" => b"{\"x\":\"y\0z\"}",
            "a string without its end is refused" => b"{\"x\":\"y}",
            "seventeen levels are refused" => &nested(17),
            "thousands of levels are refused" => &nested(8000),
            "thousands of levels without an end are refused" => &b"[".repeat(16_384),
        },
    );
    theme.expect(
        stays([422]).saying(
            "\"x\":[\"This is not known here; known are product_id, quantity, customer.\"]",
        ),
        hold,
        cases! {
            "sixteen levels are read" => &nested(16),
            "brackets in a string are no levels" => br#"{"x":"[[[[[[[[[[[[[[[[[[[[[[[["}"#,
            "brackets after an escaped quote are no levels" => br#"{"x":"\"[[[[[[[[[[[[[[[[[[[["}"#,
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        order,
        cases! {
            "an order is an object" => b"[1]",
            "an order is not empty" => b"",
            "an order nests no deeper than sixteen levels" => &nested(17),
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        payment,
        cases! {
            "a payment is an object" => b"\"paid\"",
            "a payment is not empty" => b"",
            "half a pair beside a payload is refused" =>
                br#"{"payload":{"note":"\ud83d"},"status":"\ud83d"}"#,
            "half a pair in a name beside a payload is refused" =>
                br#"{"payload":{"note":"\ud83d"},"\ud83d":1}"#,
            "a payload nests no deeper than the body" => &nested(17),
        },
    );
    theme.expect(
        stays([400]).saying("\"invalid_json\""),
        as_written,
        cases! {
            "what a release shows is an object" =>
                b"DELETE /api/holds/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[]",
            "what a cancellation shows is an object" =>
                b"POST /api/orders/1/cancel HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{",
        },
    );
    theme.expect(
        stays([201]),
        post_hold_with,
        cases! {
            "a body of another type is read as JSON" =>
                b"Content-Type: text/plain\r\nContent-Length: 29\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}",
            "a body is read as UTF-8 whatever it says" =>
                b"Content-Type: application/json; charset=latin1\r\nContent-Length: 29\r\n\r\n\
                  {\"product_id\":1,\"quantity\":1}",
        },
    );
    theme.close();
}

#[test]
fn a_field_of_a_body_has_its_one_type() {
    let quantity = |value: &[u8]| hold(&[b"{\"product_id\":1,\"quantity\":", value, b"}"].concat());
    let product = |value: &[u8]| hold(&[b"{\"quantity\":1,\"product_id\":", value, b"}"].concat());
    let customer = |value: &[u8]| {
        hold(
            &[
                b"{\"product_id\":1,\"quantity\":1,\"customer\":",
                value,
                b"}",
            ]
            .concat(),
        )
    };
    let mut theme = Theme::open();
    theme.expect(
        stays([422]).saying("\"errors\":{\"quantity\":["),
        quantity,
        cases! {
            "nothing is no quantity" => b"0",
            "less than nothing is no quantity" => b"-1",
            "a negative zero is no quantity" => b"-0",
            "half a unit is no quantity" => b"1.5",
            "a string is no quantity" => b"\"2\"",
            "true is no quantity" => b"true",
            "null is no quantity" => b"null",
            "a list is no quantity" => b"[1]",
            "an object is no quantity" => b"{}",
            "2^31 is no quantity" => b"2147483648",
            "2^32 + 1 is not one" => b"4294967297",
            "2^64 + 1 is not one" => b"18446744073709551617",
            "what no field can hold is no quantity" => b"1e400",
            "what no field can hold is no quantity below zero" => b"-1e400",
            "what is almost nothing is no quantity" => b"1e-400",
            "a quantity comes once" => b"1,\"quantity\":1",
            "a quantity written in two ways comes twice" => br#"1,"quantit\u0079":1"#,
        },
    );
    theme.expect(
        stays([400]).saying("\"insufficient_stock\""),
        quantity,
        cases! {
            "2^31 - 1 is a quantity" => b"2147483647",
            "one more than there is is a quantity" => b"101",
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"product_id\":["),
        product,
        cases! {
            "zero is no product's id" => b"0",
            "a negative number is no product's id" => b"-1",
            "a fraction is no product's id" => b"1.5",
            "a string is no product's id" => b"\"1\"",
            "null is no product's id" => b"null",
            "2^53 is no product's id" => b"9007199254740992",
            "what no field can hold is no product's id" => b"1e400",
            "forty digits are no product's id" => b"1000000000000000000000000000000000000001",
            "the id after the last names no product" => b"2",
            "a product comes once" => b"1,\"product_id\":1",
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"customer\":["),
        customer,
        cases! {
            "nobody is no customer" => b"\"\"",
            "a space is no customer" => b"\" \"",
            "a number is no customer" => b"1",
            "null is no customer" => b"null",
            "a control character is no customer" => br#""a\u0000b""#,
            "129 letters are no customer" => &[b"\"", &[b'a'; 129][..], b"\""].concat(),
            "a customer comes once" => b"\"a\",\"customer\":\"b\"",
        },
    );
    theme.expect(
        stays([201]),
        customer,
        cases! {
            "128 letters are a customer" => &[b"\"", &[b'a'; 128][..], b"\""].concat(),
        },
    );
    theme.expect(
        stays([422]).saying("\"validation_failed\""),
        hold,
        cases! {
            "an empty object lacks its fields" => b"{}",
            "a field that nobody knows is refused" => br#"{"product_id":1,"quantity":1,"price":0}"#,
            "a name in capitals is another name" => br#"{"Product_id":1,"quantity":1}"#,
            "a name with a space is another name" => br#"{"product_id ":1,"quantity":1}"#,
            "an empty name is another name" => br#"{"":1,"product_id":1,"quantity":1}"#,
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"hold_id\":["),
        order,
        cases! {
            "an order lacks its hold" => b"{}",
            "a hold that nobody placed makes no order" => br#"{"hold_id":99}"#,
            "a string names no hold" => br#"{"hold_id":"1"}"#,
            "a hold comes once" => br#"{"hold_id":1,"hold_id":1}"#,
            "what no field can hold names no hold" => br#"{"hold_id":1e400}"#,
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"token\":["),
        order,
        cases! {
            "a token is a string" => br#"{"hold_id":1,"token":1}"#,
        },
    );
    theme.expect(
        stays([422]).saying("\"validation_failed\""),
        payment,
        cases! {
            "a payment lacks its fields" => b"{}",
            "a payment succeeds or fails" =>
                br#"{"idempotency_key":"k","order_id":1,"status":"maybe"}"#,
            "a payment is of an order or a hold" =>
                br#"{"idempotency_key":"k","order_id":1,"hold_id":1,"status":"success"}"#,
            "a payment's key is not empty" =>
                br#"{"idempotency_key":"","order_id":1,"status":"success"}"#,
            "a payload is an object" =>
                br#"{"idempotency_key":"k","order_id":1,"status":"success","payload":[]}"#,
            "a payload's amount comes once" =>
                b"{\"idempotency_key\":\"k\",\"order_id\":1,\"status\":\"success\",\
                  \"payload\":{\"amount\":1,\"amount\":2}}",
            "a transaction's id is a string" =>
                b"{\"idempotency_key\":\"k\",\"order_id\":1,\"status\":\"success\",\
                  \"payload\":{\"transaction_id\":1}}",
            "a payment is of an order that is there" =>
                br#"{"idempotency_key":"k","order_id":999999,"status":"success"}"#,
        },
    );
    theme.close();
}
