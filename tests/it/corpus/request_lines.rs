//! What stands before a request's fields: its line, its target, its version.

use super::*;

#[test]
fn a_request_line_is_a_method_a_target_and_a_version_with_single_spaces() {
    let mut theme = Theme::open();
    theme.expect(
        stays([200]),
        as_written,
        cases! {
            "a request line, a host and an empty line are a request" =>
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            "an empty line before the request line is overlooked" =>
                b"\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            "several empty lines before the request line are overlooked" =>
                b"\r\n\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        request,
        cases! {
            "two spaces after the method are refused" => b"GET  /healthz HTTP/1.1",
            "a space before the method is refused" => b" GET /healthz HTTP/1.1",
            "a space after the version is refused" => b"GET /healthz HTTP/1.1 ",
            "a tab after the method is refused" => b"GET\t/healthz HTTP/1.1",
            "a tab after the target is refused" => b"GET /healthz\tHTTP/1.1",
            "a vertical tab after the method is refused" => b"GET\x0b/healthz HTTP/1.1",
            "a form feed after the target is refused" => b"GET /healthz\x0cHTTP/1.1",
            "a carriage return before the method is refused" => b"\rGET /healthz HTTP/1.1",
            "a carriage return in the target is refused" => b"GET /health\rz HTTP/1.1",
            "a carriage return after the version is refused" => b"GET /healthz HTTP/1.1\r",
            "a line feed before the method is refused" => b"\nGET /healthz HTTP/1.1",
            "a line feed after the version is refused" => b"GET /healthz HTTP/1.1\nX: y",
            "a request line without a version is refused" => b"GET /healthz",
            "a request line without a target is refused" => b"GET HTTP/1.1",
            "a method alone is refused" => b"GET",
            "NUL in the method is refused" => b"G\0T /healthz HTTP/1.1",
            "NUL in the target is refused" => b"GET /health\0z HTTP/1.1",
            "DEL in the target is refused" => b"GET /health\x7fz HTTP/1.1",
            "an escape byte in the target is refused" => b"GET /\x1b[2J HTTP/1.1",
            "bytes in the target that are no UTF-8 are refused" => b"GET /\xff HTTP/1.1",
            "a byte order mark before the method is refused" => b"\xef\xbb\xbfGET / HTTP/1.1",
        },
    );
    theme.close();
}

#[test]
fn what_is_no_http_is_told_so_in_http() {
    let mut theme = Theme::open();
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        as_written,
        cases! {
            "a TLS ClientHello is refused" =>
                b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x8f\x1c\x55",
            "an SSLv2 ClientHello is refused" => b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
            "an SSH banner is refused" => b"SSH-2.0-OpenSSH_9.6\r\n",
            "a SOCKS greeting is refused" => b"\x05\x01\x00",
            "a proxy's binary greeting is refused" => b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
            "an SMTP greeting is refused" => b"EHLO a\r\n",
            "a Redis command is refused" => b"*1\r\n$4\r\nPING\r\n",
            "an answer is refused" => b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "a field without a request line is refused" => b"Host: a\r\n\r\n",
            "a JSON object is refused" => b"{\"product_id\":1,\"quantity\":1}\r\n\r\n",
            "a chunk is refused" => b"1d\r\n{}\r\n0\r\n\r\n",
            "zeros are refused" => &[0; 64],
            "ones are refused" => &[0xff; 64],
            "a word is refused" => b"hello\r\n\r\n",
        },
    );
    theme.expect(
        closes([505]).saying("\"http_version_not_supported\""),
        as_written,
        cases! {
            "the preface of HTTP/2 is told the version" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        },
    );
    theme.close();
}

#[test]
fn a_target_is_a_path_or_a_url_of_ours() {
    let mut theme = Theme::open();
    theme.expect(
        stays([200]),
        get,
        cases! {
            "a query is no part of the path" => b"/healthz?x=1",
            "a query may be empty" => b"/healthz?",
            "a query may hold question marks and slashes" => b"/healthz??/a/b?c",
            "a URL is its path" => b"http://a/healthz",
            "a scheme may be written in capitals" => b"HTTP://a/healthz",
            "a URL may name a port" => b"http://a:8000/healthz",
            "a URL may have a query" => b"http://a/healthz?http://b/c",
            "a URL of another host is still its path" => b"http://b.example/healthz",
        },
    );
    theme.expect(
        stays([200]).saying("docs/api.md"),
        get,
        cases! {
            "the root is a page" => b"/",
            "the root may have a query" => b"/?x=1",
            "a URL without a path is the root" => b"http://a",
            "a URL without a path may have a query" => b"http://a?/healthz",
        },
    );
    theme.expect(
        stays([404]).saying("\"not_found\""),
        get,
        cases! {
            "a URL in a path is a path" => b"/http://a/healthz",
        },
    );
    theme.expect(
        closes([400]).saying("\"bad_request\""),
        get,
        cases! {
            "a URL of another scheme is refused" => b"ftp://a/healthz",
            "a URL without a scheme is refused" => b"://a/healthz",
            "a URL without slashes is refused" => b"http:healthz",
            "a URL with one slash is refused" => b"http:/healthz",
            "a mail address is refused" => b"mailto:a@b.example",
            "a host and a port are refused" => b"a:80",
            "a relative path is refused" => b"healthz",
            "a dotted relative path is refused" => b"./healthz",
            "a fragment alone is refused" => b"#healthz",
            "backslashes are refused" => b"\\healthz",
            "a query alone is refused" => b"?x",
            "a star is refused but for OPTIONS" => b"*",
            "a fragment is refused" => b"/healthz#x",
            "letters beyond ASCII are refused" => b"/\xc3\xa9",
            "a URL without a host is refused" => b"http:///healthz",
            "a URL with a port and no host is refused" => b"http://:80/healthz",
            "a URL with a port that is no number is refused" => b"http://a:x/healthz",
            "a URL with a user is refused" => b"http://u:p@a/healthz",
            "a URL with half of an IPv6 address is refused" => b"http://[::1/healthz",
        },
    );
    theme.expect(
        closes([400]),
        request,
        cases! {
            "a tunnel is refused" => b"CONNECT a:80 HTTP/1.1",
        },
    );
    theme.expect(
        stays([404]),
        request,
        cases! {
            "the server as a whole has no options" => b"OPTIONS * HTTP/1.1",
            "a HEAD of nothing has no body" => b"HEAD /nothing HTTP/1.1",
        },
    );
    theme.close();
}

#[test]
fn a_path_is_compared_as_it_is_written() {
    let mut theme = Theme::open();
    theme.expect(
        stays([404]).saying("\"not_found\""),
        get,
        cases! {
            "there is nothing at two slashes" => b"//",
            "there is nothing above the routes" => b"/api",
            "a path with two slashes at its end is another path" => b"/healthz//",
            "a path with two slashes is another path" => b"//healthz",
            "a path with two slashes inside is another path" => b"/api//products",
            "a path in capitals is another path" => b"/HEALTHZ",
            "a dot segment is not resolved" => b"/./healthz",
            "two dots are not resolved" => b"/api/../healthz",
            "encoded dots are not resolved" => b"/api/%2e%2e/healthz",
            "an encoded slash is no slash" => b"/api%2fproducts",
            "an encoded letter is not decoded" => b"/%68ealthz",
            "a path with a NUL encoded at its end is another path" => b"/healthz%00",
            "a path with parameters is another path" => b"/healthz;v=1",
            "half an escape is no more than its characters" => b"/healthz%2",
            "there is nothing below a product" => b"/api/products/1//",
            "there is nothing below a hold" => b"/api/holds/1/x",
            "two dots after a product are not resolved" => b"/api/products/1/..",
            "the parent of the server's folder is not served" => b"/../../../../etc/passwd",
        },
    );
    theme.close();
}

#[test]
fn an_id_is_a_number_in_its_shortest_form() {
    let mut theme = Theme::open();
    theme.expect(
        stays([200]),
        get,
        cases! {
            "the first product is there" => b"/api/products/1",
            "a product may be asked for with a query" => b"/api/products/1?x=1",
            "the products are there" => b"/api/products",
            "a slash after the products is ignored" => b"/api/products/",
            "a slash before the query is ignored" => b"/api/products/?limit=1",
            "a slash after an id is ignored" => b"/api/products/1/",
            "a slash after any path is ignored" => b"/healthz/",
            "a slash after a URL is ignored" => b"http://a/healthz/",
            "a page may have one product" => b"/api/products?limit=1",
            "a page may have a hundred products" => b"/api/products?limit=100",
            "what a list does not know is overlooked" => b"/api/products?colour=red&",
        },
    );
    theme.expect(
        stays([404]).saying("\"product_not_found\""),
        get,
        cases! {
            "an empty id is no product" => b"/api/products//",
            "zero is no product" => b"/api/products/0",
            "a negative number is no product" => b"/api/products/-1",
            "a plus sign makes no product" => b"/api/products/+1",
            "a leading zero makes no product" => b"/api/products/01",
            "a fraction is no product" => b"/api/products/1.0",
            "an exponent is no product" => b"/api/products/1e0",
            "a hexadecimal number is no product" => b"/api/products/0x1",
            "an encoded space before an id makes no product" => b"/api/products/%201",
            "an encoded Arabic digit is no product" => b"/api/products/%D9%A1",
            "a NUL encoded after an id makes no product" => b"/api/products/1%00",
            "a slash encoded after an id makes no product" => b"/api/products/1%2F",
            "a parameter after an id makes no product" => b"/api/products/1;v=1",
            "the product after the last is not there" => b"/api/products/2",
            "2^53 is no product" => b"/api/products/9007199254740992",
            "2^63 - 1 is no product" => b"/api/products/9223372036854775807",
            "2^63 is no product" => b"/api/products/9223372036854775808",
            "2^64 + 1 is not the first product" => b"/api/products/18446744073709551617",
            "forty digits are no product" =>
                b"/api/products/1000000000000000000000000000000000000001",
        },
    );
    theme.expect(
        stays([404]).saying("\"hold_not_found\""),
        get,
        cases! {
            "a hold that nobody placed is not there" => b"/api/holds/1",
            "2^64 + 1 is no hold" => b"/api/holds/18446744073709551617",
        },
    );
    theme.expect(
        stays([404]).saying("\"order_not_found\""),
        get,
        cases! {
            "an order that nobody placed is not there" => b"/api/orders/1",
            "a word is no order" => b"/api/orders/cancel",
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"limit\":["),
        get,
        cases! {
            "a page has a product at least" => b"/api/products?limit=0",
            "a page has a hundred products at most" => b"/api/products?limit=101",
            "a limit is not negative" => b"/api/products?limit=-1",
            "a limit is not broken" => b"/api/products?limit=1.5",
            "a limit is not empty" => b"/api/products?limit=",
            "a limit does not overflow" => b"/api/products?limit=18446744073709551617",
        },
    );
    theme.expect(
        stays([422]).saying("\"errors\":{\"cursor\":["),
        get,
        cases! {
            "a cursor cannot be made up" => b"/api/products?cursor=1.x",
            "a cursor is not empty" => b"/api/products?cursor=",
        },
    );
    theme.close();
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let mut theme = Theme::open();
    theme.expect(
        stays([405]).saying("Allow: GET, HEAD\r\n"),
        request,
        cases! {
            "health is not posted" => b"POST /healthz HTTP/1.1",
            "health is not deleted" => b"DELETE /healthz HTTP/1.1",
            "readiness is not put" => b"PUT /readyz HTTP/1.1",
            "products are not posted" => b"POST /api/products HTTP/1.1",
            "a product is not patched" => b"PATCH /api/products/1 HTTP/1.1",
            "an order is not deleted" => b"DELETE /api/orders/1 HTTP/1.1",
            "a request is not traced back" => b"TRACE /healthz HTTP/1.1",
            "a tunnel does not end at a path" => b"CONNECT /healthz HTTP/1.1",
            "a method in small letters is another method" => b"get /healthz HTTP/1.1",
            "a method nobody has heard of is a wrong one" => b"BREW /healthz HTTP/1.1",
            "a method may have a hyphen" => b"M-SEARCH /healthz HTTP/1.1",
            "a method is any token" => b"!#$%&'*+-.^_`|~09az /healthz HTTP/1.1",
            "a method that goes on after GET is not GET" => b"GETS /healthz HTTP/1.1",
            "options need an origin" => b"OPTIONS /healthz HTTP/1.1",
            "a long method is a method" => &[&[b'M'; 1000][..], b" /healthz HTTP/1.1"].concat(),
        },
    );
    theme.expect(
        stays([405]).saying("Allow: GET, HEAD, DELETE\r\n"),
        request,
        cases! {
            "a hold is not posted to" => b"POST /api/holds/1 HTTP/1.1",
            "a hold is not put" => b"PUT /api/holds/1 HTTP/1.1",
        },
    );
    theme.expect(
        stays([405]).saying("Allow: POST\r\n"),
        request,
        cases! {
            "holds are not listed" => b"GET /api/holds HTTP/1.1",
            "a HEAD of what is only posted has no body" => b"HEAD /api/holds HTTP/1.1",
            "orders are not listed" => b"GET /api/orders HTTP/1.1",
            "a cancellation is not shown" => b"GET /api/orders/1/cancel HTTP/1.1",
            "the webhook is not read" => b"GET /api/payments/webhook HTTP/1.1",
        },
    );
    theme.expect(
        stays([200]),
        request,
        cases! {
            "health has a head" => b"HEAD /healthz HTTP/1.1",
            "readiness has a head" => b"HEAD /readyz HTTP/1.1",
            "the products have a head" => b"HEAD /api/products HTTP/1.1",
            "a product has a head" => b"HEAD /api/products/1 HTTP/1.1",
        },
    );
    theme.expect(
        stays([404]),
        request,
        cases! {
            "a HEAD of no hold has no body" => b"HEAD /api/holds/1 HTTP/1.1",
            "a path that is not there has no methods" => b"POST /nothing HTTP/1.1",
            "a hold that is not there is not released" => b"DELETE /api/holds/1 HTTP/1.1",
            "an order that is not there is not cancelled" => b"POST /api/orders/1/cancel HTTP/1.1",
        },
    );
    theme.expect(
        closes([400]),
        request,
        cases! {
            "a brace in a method is refused" => b"G{T /healthz HTTP/1.1",
            "a colon in a method is refused" => b"GET: /healthz HTTP/1.1",
            "quotes around a method are refused" => b"\"GET\" /healthz HTTP/1.1",
            "a method of other letters is refused" => b"G\xc3\x89T /healthz HTTP/1.1",
        },
    );
    theme.close();
}

#[test]
fn only_http_1_is_spoken() {
    let mut theme = Theme::open();
    theme.expect(
        closes([200]),
        as_written,
        cases! {
            "HTTP/1.0 needs no host" => b"GET /healthz HTTP/1.0\r\n\r\n",
        },
    );
    theme.expect(
        closes([505]).saying("\"http_version_not_supported\""),
        request,
        cases! {
            "HTTP/0.9 does not write its version" => b"GET /healthz HTTP/0.9",
            "HTTP/2 is not written in text" => b"GET /healthz HTTP/2.0",
            "HTTP/3 is not written in text" => b"GET /healthz HTTP/3.0",
            "HTTP/9.9 is not there yet" => b"GET /healthz HTTP/9.9",
            "HTTP/1.2 is not there yet" => b"GET /healthz HTTP/1.2",
        },
    );
    theme.expect(
        closes([505]),
        request,
        cases! {
            "a HEAD in another version has no body" => b"HEAD /healthz HTTP/2.0",
        },
    );
    theme.expect(
        closes([400]),
        request,
        cases! {
            "http in small letters is no version" => b"GET /healthz http/1.1",
            "HTTPS is no version" => b"GET /healthz HTTPS/1.1",
            "RTSP is no version" => b"GET /healthz RTSP/1.0",
            "a version has a minor one" => b"GET /healthz HTTP/1",
            "a version has a point" => b"GET /healthz HTTP/11",
            "two spaces before the version are refused" => b"GET /healthz  HTTP/1.1",
            "a space in the target is refused" => b"GET /health z HTTP/1.1",
            "a space in the host of a URL is refused" => b"GET http://a b/healthz HTTP/1.1",
            "a proxy's greeting is refused" => b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
            "a minor version has one digit" => b"GET /healthz HTTP/1.10",
            "a version ends its line" => b"GET /healthz HTTP/1.1.1",
        },
    );
    theme.close();
}
