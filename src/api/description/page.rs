//! The description as a page: static, and told by the description alone.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::{Map, Value};

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

/// It names the files that it loads as they are called here.
pub fn of(description: &Value) -> String {
    let page = Page { description };
    let info = &description["info"];
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>flashsale: the HTTP API</title>\n\
         <link rel=\"icon\" href=\"./icon.svg\">\n<link rel=\"stylesheet\" href=\"./docs.css\">\n\
         <header>\n<h1>The HTTP API <small>flashsale {}</small></h1>\n<p class=\"lead\">{}</p>\n{}\
         <p>For programs: <a href=\"/openapi.json\">/openapi.json</a>, OpenAPI 3.1.</p>\n</header>\n",
        text(&info["version"]),
        text(&info["summary"]),
        paragraphs(&info["description"]),
    );
    html += &page.contents();
    html += "<main>\n";
    for tag in items(&description["tags"]) {
        html += &page.section(tag);
    }
    html += &page.objects();
    html += &page.errors();
    html += "</main>\n</html>\n";
    html
}

struct Page<'a> {
    description: &'a Value,
}

/// An operation, and where it stands.
struct Entry<'a> {
    method: String,
    path: &'a str,
    operation: &'a Value,
}

impl Entry<'_> {
    fn id(&self) -> String {
        text(&self.operation["operationId"])
    }

    /// The path in one piece, so that it is found in the page's source too; docs.css lets a long one break.
    fn heading(&self) -> String {
        let path = escaped(self.path);
        let method = &self.method;
        format!("<b class=\"method {method}\">{method}</b> <code>{path}</code>")
    }
}

impl<'a> Page<'a> {
    fn entries(&self, tag: &Value) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        for (path, item) in fields(&self.description["paths"]) {
            for method in METHODS {
                let operation = &item[method];
                if operation["tags"][0] == tag["name"] {
                    entries.push(Entry {
                        method: method.to_uppercase(),
                        path,
                        operation,
                    });
                }
            }
        }
        entries
    }

    fn contents(&self) -> String {
        let mut html = "<nav aria-label=\"Contents\">\n".to_owned();
        for tag in items(&self.description["tags"]) {
            let name = text(&tag["name"]);
            html += &format!("<section><h2><a href=\"#{name}\">{name}</a></h2>\n<ul>\n");
            for entry in self.entries(tag) {
                let (id, heading) = (entry.id(), entry.heading());
                html += &format!("<li><a href=\"#{id}\">{heading}</a>\n");
            }
            html += "</ul></section>\n";
        }
        html + "<section><h2>Beside them</h2>\n<ul><li><a href=\"#objects\">Objects and values</a>\n\
                <li><a href=\"#errors\">Errors</a></ul></section>\n</nav>\n"
    }

    fn section(&self, tag: &Value) -> String {
        let (name, about) = (text(&tag["name"]), prose(&tag["description"]));
        let mut html = format!("<section id=\"{name}\">\n<h2>{name}</h2>\n<p>{about}</p>\n");
        for entry in self.entries(tag) {
            let (id, heading) = (entry.id(), entry.heading());
            let operation = entry.operation;
            let summary = prose(&operation["summary"]);
            html += &format!("<article id=\"{id}\">\n<h3>{heading}</h3>\n<p>{summary}.</p>\n");
            html += &paragraphs(&operation["description"]);
            html += shown(&operation["security"]);
            html += &self.parameters(operation);
            html += &self.request(operation);
            html += &self.answers(operation);
            html += "</article>\n";
        }
        html + "</section>\n"
    }

    fn parameters(&self, operation: &Value) -> String {
        let parameters = items(&operation["parameters"]).map(|it| self.resolved(it));
        let rows = parameters.map(|parameter| {
            [
                format!("<code>{}</code>", text(&parameter["name"])),
                text(&parameter["in"]),
                self.value(&parameter["schema"]),
                prose(&parameter["description"]),
            ]
        });
        table(["Parameter", "In", "Value", "Meaning"], rows)
    }

    fn request(&self, operation: &Value) -> String {
        let body = &operation["requestBody"];
        let content = &body["content"]["application/json"];
        if content.is_null() {
            return String::new();
        }
        let may = if body["required"] == true {
            ""
        } else {
            ", which may be left out"
        };
        let (value, example) = (self.value(&content["schema"]), printed(&content["example"]));
        format!("<h4>Body: {value}{may}</h4>\n{example}")
    }

    fn answers(&self, operation: &Value) -> String {
        let (mut html, mut refusals, mut others) = (String::new(), Vec::new(), String::new());
        for (status, response) in fields(&operation["responses"]) {
            if status.starts_with(['2', '3']) {
                html += &self.answer(status, response);
            } else if response["$ref"].is_string() {
                others += &format!(" {status}");
            } else {
                refusals.extend(codes(status, response));
            }
        }
        html += "<h4>Refusals</h4>\n";
        html += &table(["Status", "Code", "When"], refusals.into_iter());
        html + &format!(
            "<p>Of every request of its kind, too:{others}; see <a href=\"#errors\">errors</a>.</p>\n"
        )
    }

    fn answer(&self, status: &str, response: &Value) -> String {
        let about = prose(&response["description"]);
        let mut html = format!("<h4>{status}</h4>\n<p>{about}</p>\n");
        let content = fields(&response["content"]).next();
        if let Some((media, content)) = content {
            let (value, example) = (self.value(&content["schema"]), printed(&content["example"]));
            html += &match media {
                "application/json" => format!("<p>Body: {value}</p>\n{example}"),
                _ => format!("<p>Body: <code>{}</code></p>\n", escaped(media)),
            };
        }
        let of_all = ["X-Request-Id", "Date", "Cache-Control", "Vary"];
        let special = fields(&response["headers"])
            .filter(|(name, _)| !of_all.contains(name) && !name.starts_with("Access-Control-"));
        let rows = special.map(|(name, header)| {
            let about = prose(&self.resolved(header)["description"]);
            [format!("<code>{name}</code>"), about]
        });
        html + &table(["Header", "Meaning"], rows)
    }

    /// Every object with its fields, and every other value that has a name.
    fn objects(&self) -> String {
        let mut html = "<section id=\"objects\">\n<h2>Objects and values</h2>\n".to_owned();
        for (name, schema) in fields(&self.description["components"]["schemas"]) {
            let about = prose(&schema["description"]);
            html += &format!("<article id=\"{name}\">\n<h3>{name}</h3>\n<p>{about}</p>\n");
            if schema["properties"].is_object() {
                let is_required = |name: &str| items(&schema["required"]).any(|it| it == name);
                let rows = fields(&schema["properties"]).map(|(name, value)| {
                    let may = if is_required(name) {
                        ""
                    } else {
                        ", may be absent"
                    };
                    let about = prose(&value["description"]);
                    [
                        format!("<code>{name}</code>"),
                        self.value(value) + may,
                        about,
                    ]
                });
                html += &table(["Field", "Value", "Meaning"], rows);
            } else {
                html += &format!("<p>{}</p>\n", self.bounds(schema));
            }
            html += "</article>\n";
        }
        html + "</section>\n"
    }

    fn errors(&self) -> String {
        let paths = fields(&self.description["paths"]).map(|(_, item)| item);
        let operations = paths.flat_map(|item| METHODS.map(|method| &item[method]));
        let responses = operations.flat_map(|operation| fields(&operation["responses"]));
        let mut all: BTreeMap<(String, String), [String; 3]> = BTreeMap::new();
        let mut note = |status: &str, response: &Value| {
            for row in codes(status, response) {
                all.insert((status.to_owned(), row[1].clone()), row);
            }
        };
        for (status, response) in responses.filter(|(status, _)| status.starts_with(['4', '5'])) {
            note(status, self.resolved(response));
        }
        let shared = &self.description["components"]["responses"];
        note("404", &shared["NotFound"]);
        note("405", &shared["MethodNotAllowed"]);
        let table = table(["Status", "Code", "When"], all.into_values());
        format!("<section id=\"errors\">\n<h2>Errors</h2>\n{table}</section>\n")
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str();
        let target = target.and_then(|target| self.description.pointer(&target[1..]));
        target.unwrap_or(value)
    }

    /// A value in few words; one with a name by its name, linked.
    fn value(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
            format!("<a href=\"#{name}\">{name}</a>")
        } else if schema["items"].is_object() {
            format!("list of {}", self.value(&schema["items"]))
        } else {
            self.bounds(schema)
        }
    }

    fn bounds(&self, schema: &Value) -> String {
        let mut words = Vec::new();
        if let Some(choices) = schema["anyOf"].as_array() {
            let choices = choices.iter().map(|choice| self.value(choice));
            words.push(choices.collect::<Vec<_>>().join(" or "));
        }
        if let Some(kind) = schema["type"].as_str() {
            words.push(kind.to_owned());
        }
        let kinds = items(&schema["type"]).map(text).collect::<Vec<_>>();
        if !kinds.is_empty() {
            words.push(kinds.join(" or "));
        }
        if let Some(choices) = schema["enum"].as_array() {
            let choices = choices
                .iter()
                .map(|it| format!("<code>{}</code>", text(it)));
            words.push(choices.collect::<Vec<_>>().join(", "));
        }
        for (name, word) in [
            ("const", "always"),
            ("format", "format"),
            ("minimum", "from"),
            ("maximum", "to"),
            ("minLength", "from"),
            ("maxLength", "to"),
            ("maxItems", "at most"),
            ("pattern", "like"),
            ("default", "default"),
        ] {
            if let Some(bound) = schema.get(name) {
                let unit = if name.ends_with("Length") {
                    " characters"
                } else {
                    ""
                };
                words.push(format!("{word} <code>{}</code>{unit}", text(bound)));
            }
        }
        words.join(" ")
    }
}

fn shown(security: &Value) -> &'static str {
    let is_open = items(security).any(|it| it == &Value::Object(Map::new()));
    let mut names = items(security).flat_map(fields).map(|(name, _)| name);
    match (names.next(), is_open) {
        (Some("operatorToken"), _) => {
            "<p>Must show: <code>Authorization: Bearer <var>the operator's token</var></code>.</p>\n"
        }
        (Some("feedToken"), _) => {
            "<p>Must show: <code>Authorization: Bearer <var>the feed's token</var></code>.</p>\n"
        }
        (Some("customerToken"), _) => {
            "<p>Must show, where <code>require_tokens</code> is configured: <code>Authorization: Bearer \
             <var>the token</var></code>, or <code>token</code> in the body.</p>\n"
        }
        (Some("webhookSignature"), _) => {
            "<p>Must be signed, where <code>webhook_secrets</code> are configured.</p>\n"
        }
        _ => "",
    }
}

/// A row for each code of a refusal: the description has a paragraph for each.
fn codes(status: &str, response: &Value) -> Vec<[String; 3]> {
    let about = response["description"].as_str().unwrap_or_default();
    let paragraphs = about.split("\n\n").filter_map(|it| it.split_once(": "));
    let rows = paragraphs.map(|(code, when)| [status.to_owned(), marked(code), marked(when)]);
    rows.collect()
}

fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut html = String::new();
    for row in rows {
        html += "<tr>";
        for (cell, head) in row.iter().zip(heads) {
            html += &format!("<td data-head=\"{head}\">{cell}</td>");
        }
        html += "</tr>\n";
    }
    if html.is_empty() {
        return html;
    }
    let heads = heads.map(|head| format!("<th scope=\"col\">{head}</th>"));
    format!(
        "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{html}</tbody></table>\n",
        heads.concat()
    )
}

fn printed(example: &Value) -> String {
    let text = format!("{example:#}");
    format!("<pre tabindex=\"0\">{}</pre>\n", escaped(text))
}

fn paragraphs(sentences: &Value) -> String {
    let sentences = sentences.as_str().unwrap_or_default();
    let paragraphs = sentences.split("\n\n").filter(|it| !it.is_empty());
    paragraphs
        .map(|it| format!("<p>{}</p>\n", marked(it)))
        .collect()
}

fn prose(sentence: &Value) -> String {
    marked(sentence.as_str().unwrap_or_default())
}

/// What stands between backticks is code.
fn marked(sentence: &str) -> String {
    let parts = escaped(sentence);
    let parts = parts
        .split('`')
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => part.to_owned(),
            _ => format!("<code>{part}</code>"),
        });
    parts.collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| escaped(value), escaped)
}

fn escaped(text: impl Display) -> String {
    let text = text.to_string().replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn fields(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.as_str(), value))
}
