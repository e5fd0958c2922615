//! Pages that are embedded in the program, and the files that they load. Nothing is asked of another host.

use sha2::{Digest, Sha256};

use super::known_tags::{KnownTags, entity_tag};
use crate::http::{Request, Response};

/// No script and no style but from files of this server, no frame, and no form that is sent anywhere else.
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// What a client may keep, and asks for again by its entity tag.
pub struct Document {
    media_type: &'static str,
    body: Vec<u8>,
    tag: String,
}

impl Document {
    pub fn new(media_type: &'static str, text: String) -> Document {
        let body = text.into_bytes();
        Document {
            media_type,
            tag: entity_tag(&body),
            body,
        }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a document is made from text")
    }

    pub fn answer_to(&self, request: &Request) -> Response {
        KnownTags::of(request).unless_known(&self.tag, || {
            let mut response = Response::new(200);
            response.content_type = self.media_type;
            response.body.clone_from(&self.body);
            response
        })
    }

    pub fn page_for(&self, request: &Request) -> Response {
        self.answer_to(request)
            .with_header("Content-Security-Policy", POLICY)
            .with_header("X-Content-Type-Options", "nosniff")
            .with_header("Referrer-Policy", "no-referrer")
    }
}

/// The files that a page loads. The name of each changes with its content, so that a browser may keep it for ever.
pub struct Assets {
    folder: &'static str,
    assets: Vec<Asset>,
}

struct Asset {
    file: &'static str,
    /// The file's name with the hash of its content in it.
    name: String,
    media_type: &'static str,
    body: String,
}

impl Assets {
    /// A file names others as `"./FILE"`, and only those that stand before it here: its own hash covers theirs.
    pub fn new(folder: &'static str, files: &[(&'static str, &str)]) -> Assets {
        let mut assets = Assets {
            folder,
            assets: Vec::new(),
        };
        for (file, text) in files {
            let asset = Asset::new(file, assets.linked(text));
            assets.assets.push(asset);
        }
        assets
    }

    /// The text with every `"./FILE"` in it replaced by the path of that file.
    ///
    /// # Panics
    /// If one of them is no file that stands here, or not before the one that names it.
    pub fn linked(&self, text: &str) -> String {
        let named = |asset: &Asset| format!("\"./{}\"", asset.file);
        let linked = self.assets.iter().fold(text.to_owned(), |text, asset| {
            let path = format!("\"{}{}\"", self.folder, asset.name);
            text.replace(&named(asset), &path)
        });
        let unknown = linked.split("\"./").nth(1);
        assert_eq!(unknown, None, "a file that is named stands before");
        linked
    }

    /// `None`: no file is called so, or its content is not the one that the name stands for.
    pub fn answer_to(&self, name: &str) -> Option<Response> {
        let asset = self.assets.iter().find(|asset| asset.name == name)?;
        let mut response = Response::new(200).with_header("X-Content-Type-Options", "nosniff");
        response.content_type = asset.media_type;
        response.cache_control = "public, max-age=31536000, immutable";
        response.body = asset.body.clone().into_bytes();
        Some(response)
    }
}

impl Asset {
    fn new(file: &'static str, body: String) -> Asset {
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let hash = digest
            .first_chunk()
            .map_or(0, |head| u64::from_be_bytes(*head));
        let (stem, ending) = file.split_once('.').expect("a file's name has an ending");
        let media_type = match ending {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => unreachable!("no page loads a file like {file}"),
        };
        Asset {
            file,
            name: format!("{stem}-{hash:016x}.{ending}"),
            media_type,
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of_last(files: &[(&'static str, &str)]) -> String {
        let assets = Assets::new("/a/", files).assets;
        assets.last().unwrap().name.clone()
    }

    #[test]
    fn a_name_changes_with_what_the_file_names() {
        let user = ("user.js", "import \"./used.js\";");
        let first = name_of_last(&[("used.js", "1"), user]);
        assert_ne!(first, name_of_last(&[("used.js", "2"), user]));
        assert_eq!(first, name_of_last(&[("used.js", "1"), user]));
    }
}
