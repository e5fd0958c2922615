//! The map of paths. A path is one route, a route takes some methods, and each pair is one endpoint.

use crate::http::Method;

/// A path that exists. Ids are still text: one that is no id names nothing, which only its endpoint can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Products,
    Product(&'a str),
    Holds,
    Hold(&'a str),
    Orders,
    Order(&'a str),
    CancelledOrder(&'a str),
    PaymentWebhook,
    Health,
    Readiness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    ListProducts,
    ShowProduct(&'a str),
    PlaceHold,
    ShowHold(&'a str),
    ReleaseHold(&'a str),
    PlaceOrder,
    ShowOrder(&'a str),
    CancelOrder(&'a str),
    RecordPayment,
    Health,
    Readiness,
}

impl<'a> Route<'a> {
    pub fn of(path: &'a str) -> Option<Route<'a>> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let segments = [
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ];
        match segments {
            [Some("api"), Some("products"), None, ..] => Some(Route::Products),
            [Some("api"), Some("products"), Some(id), None, _] => Some(Route::Product(id)),
            [Some("api"), Some("holds"), None, ..] => Some(Route::Holds),
            [Some("api"), Some("holds"), Some(id), None, _] => Some(Route::Hold(id)),
            [Some("api"), Some("orders"), None, ..] => Some(Route::Orders),
            [Some("api"), Some("orders"), Some(id), None, _] => Some(Route::Order(id)),
            [Some("api"), Some("orders"), Some(id), Some("cancel"), None] => {
                Some(Route::CancelledOrder(id))
            }
            [Some("api"), Some("payments"), Some("webhook"), None, _] => {
                Some(Route::PaymentWebhook)
            }
            [Some("healthz"), None, ..] => Some(Route::Health),
            [Some("readyz"), None, ..] => Some(Route::Readiness),
            _ => None,
        }
    }

    /// The path with its ids left out.
    pub fn pattern(self) -> &'static str {
        match self {
            Route::Products => "/api/products",
            Route::Product(_) => "/api/products/{id}",
            Route::Holds => "/api/holds",
            Route::Hold(_) => "/api/holds/{id}",
            Route::Orders => "/api/orders",
            Route::Order(_) => "/api/orders/{id}",
            Route::CancelledOrder(_) => "/api/orders/{id}/cancel",
            Route::PaymentWebhook => "/api/payments/webhook",
            Route::Health => "/healthz",
            Route::Readiness => "/readyz",
        }
    }

    /// What `Allow` says.
    pub fn methods(self) -> &'static str {
        match self {
            Route::Products
            | Route::Product(_)
            | Route::Order(_)
            | Route::Health
            | Route::Readiness => "GET, HEAD",
            Route::Hold(_) => "GET, HEAD, DELETE",
            Route::Holds | Route::Orders | Route::CancelledOrder(_) | Route::PaymentWebhook => {
                "POST"
            }
        }
    }

    pub fn endpoint(self, method: &Method) -> Option<Endpoint<'a>> {
        match (self, method) {
            (Route::Products, Method::Get | Method::Head) => Some(Endpoint::ListProducts),
            (Route::Product(id), Method::Get | Method::Head) => Some(Endpoint::ShowProduct(id)),
            (Route::Holds, Method::Post) => Some(Endpoint::PlaceHold),
            (Route::Hold(id), Method::Get | Method::Head) => Some(Endpoint::ShowHold(id)),
            (Route::Hold(id), Method::Delete) => Some(Endpoint::ReleaseHold(id)),
            (Route::Orders, Method::Post) => Some(Endpoint::PlaceOrder),
            (Route::Order(id), Method::Get | Method::Head) => Some(Endpoint::ShowOrder(id)),
            (Route::CancelledOrder(id), Method::Post) => Some(Endpoint::CancelOrder(id)),
            (Route::PaymentWebhook, Method::Post) => Some(Endpoint::RecordPayment),
            (Route::Health, Method::Get | Method::Head) => Some(Endpoint::Health),
            (Route::Readiness, Method::Get | Method::Head) => Some(Endpoint::Readiness),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_route_or_none() {
        assert_eq!(Route::of("/api/products"), Some(Route::Products));
        assert_eq!(Route::of("/api/products/7"), Some(Route::Product("7")));
        assert_eq!(Route::of("/api/products/"), Some(Route::Product("")));
        assert_eq!(
            Route::of("/api/orders/7/cancel"),
            Some(Route::CancelledOrder("7"))
        );
        for path in [
            "",
            "/",
            "/api",
            "/API/products",
            "/api/products/7/",
            "/api/orders/7/pay",
            "/api/orders/7/cancel/",
            "//api/products",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
