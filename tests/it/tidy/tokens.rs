//! The tokens of a text, as the compiler's own reader tells them apart.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    Word,
    Mark,
    Literal,
}

#[derive(Clone)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

/// What the compiler sees, without documentation.
pub fn code_of(path: &str, text: &str) -> Vec<Token> {
    let stream: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    without_docs(&tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut is_joint = false;
    for tree in stream {
        let (kind, text) = match &tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => panic!("only a macro makes groups without delimiters"),
                };
                tokens.push(mark(open, group.span_open()));
                flatten(group.stream(), tokens);
                tokens.push(mark(close, group.span_close()));
                continue;
            }
            TokenTree::Ident(word) => (Kind::Word, word.to_string()),
            TokenTree::Punct(mark) => {
                let last = tokens.last_mut().filter(|_| is_joint);
                is_joint = mark.spacing() == Spacing::Joint;
                if let Some(last) = last.filter(|last| is_pair(&last.text, mark.as_char())) {
                    last.text.push(mark.as_char());
                    continue;
                }
                (Kind::Mark, mark.to_string())
            }
            TokenTree::Literal(literal) => (Kind::Literal, literal.to_string()),
        };
        let line = tree.span().start().line;
        tokens.push(Token { kind, text, line });
    }
}

fn is_pair(first: &str, second: char) -> bool {
    match second {
        ':' => first == ":",
        '=' => ["=", "!", "<", ">", "+", "-", "*", "/"].contains(&first),
        '>' => first == "=" || first == "-",
        _ => false,
    }
}

fn mark(text: &str, span: Span) -> Token {
    Token {
        kind: Kind::Mark,
        text: text.to_owned(),
        line: span.start().line,
    }
}

/// A comment of documentation is an attribute to the compiler: `#[doc = "…"]`, or `#![doc = "…"]` for the whole file.
fn without_docs(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let texts: Vec<&str> = rest.iter().take(4).map(|token| &*token.text).collect();
        rest = match texts[..] {
            ["#", "[", "doc", "="] => &rest[6..],
            ["#", "!", "[", "doc"] => &rest[7..],
            _ => {
                kept.push(first.clone());
                &rest[1..]
            }
        };
    }
    kept
}

/// Without what is built for tests alone.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const FOR_TESTS: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let mut texts = rest.iter().map(|token| token.text.as_str());
        if FOR_TESTS.iter().all(|text| texts.next() == Some(text)) {
            rest = &rest[FOR_TESTS.len()..];
            rest = &rest[end_of_item(rest)..];
        } else {
            kept.push(first.clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// How many tokens the item has that begins here: up to its body's last brace, or to its semicolon.
pub fn end_of_item(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            ";" if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}
