//! A shop with a feed of events.

use flashsale::config::{Config, FeedToken};
use flashsale::http::{Method, Request};
use serde_json::Value;

use super::{Answer, Item, Shop};

/// What a program shows that reads the feed, where there is one.
pub const FEED_TOKEN: &str = "tells-what-was-paid";

impl Shop {
    /// A shop that tells what happens.
    pub fn with_feed(items: Vec<Item>) -> Shop {
        Shop::operated_on_terms(items, with_feed(Config::default()))
    }

    /// A request for events, with these parameters.
    pub fn feed(&self, query: &str) -> Answer {
        self.call(feed_request(query))
    }

    /// All that was told, event by event.
    #[track_caller]
    pub fn told(&self) -> Vec<Value> {
        let answer = self.feed("?limit=1000").ok();
        assert_eq!(answer.body["caught_up"], true);
        answer.body["data"].as_array().unwrap().clone()
    }

    /// The types of all events, in order.
    #[track_caller]
    pub fn told_types(&self) -> Vec<String> {
        let told = self.told();
        let types = told.iter().map(|event| event["type"].as_str().unwrap());
        types.map(str::to_owned).collect()
    }
}

fn feed_request(query: &str) -> Request {
    let bearer = format!("Bearer {FEED_TOKEN}");
    let target = format!("/api/events{query}");
    Request::new(Method::Get, &target).with_header("Authorization", &bearer)
}

/// With a feed.
pub fn with_feed(config: Config) -> Config {
    let feed_token = Some(FeedToken::parse(FEED_TOKEN).unwrap());
    Config {
        feed_token,
        ..config
    }
}
