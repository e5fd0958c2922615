//! The map of paths. A path is one route, a route takes some methods, and each pair is one endpoint.

use crate::http::Method;

/// A path that exists. Ids are still text: one that is no id names nothing, which only its endpoint can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    FrontPage,
    Products,
    Product(&'a str),
    Holds,
    Hold(&'a str),
    Orders,
    Order(&'a str),
    CancelledOrder(&'a str),
    PaymentWebhook,
    AdminProducts,
    AdminProduct(&'a str),
    AdminRestock(&'a str),
    AdminMovements(&'a str),
    AdminHolds,
    AdminOrders,
    AdminOrderRefund(&'a str),
    AdminPayments,
    AdminRefunds,
    AdminResolvedRefund(&'a str),
    AdminAcceptedRefund(&'a str),
    AdminStats,
    Health,
    Readiness,
}

/// What the operator alone may do stands below this path.
const OPERATORS: &str = "/admin/api/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    ShowFrontPage,
    ListProducts,
    ShowProduct(&'a str),
    PlaceHold,
    ShowHold(&'a str),
    ReleaseHold(&'a str),
    PlaceOrder,
    ShowOrder(&'a str),
    CancelOrder(&'a str),
    RecordPayment,
    CreateProduct,
    ChangeProduct(&'a str),
    RestockProduct(&'a str),
    ListMovements(&'a str),
    ListHolds,
    ListOrders,
    RefundOrder(&'a str),
    ListPayments,
    ListRefunds,
    ResolveRefund(&'a str),
    AcceptRefund(&'a str),
    ShowStats,
    Health,
    Readiness,
}

impl<'a> Route<'a> {
    /// One slash at the end of a path is ignored.
    pub fn of(path: &'a str) -> Option<Route<'a>> {
        let path = path.strip_prefix('/')?;
        if path.is_empty() {
            return Some(Route::FrontPage);
        }
        let mut segments = path.strip_suffix('/').unwrap_or(path).split('/');
        let segments = [
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ];
        match segments {
            [Some("admin"), Some("api"), rest @ ..] => Route::of_operators(rest),
            [Some("api"), Some("products"), None, ..] => Some(Route::Products),
            [Some("api"), Some("products"), Some(id), None, ..] => Some(Route::Product(id)),
            [Some("api"), Some("holds"), None, ..] => Some(Route::Holds),
            [Some("api"), Some("holds"), Some(id), None, ..] => Some(Route::Hold(id)),
            [Some("api"), Some("orders"), None, ..] => Some(Route::Orders),
            [Some("api"), Some("orders"), Some(id), None, ..] => Some(Route::Order(id)),
            [
                Some("api"),
                Some("orders"),
                Some(id),
                Some("cancel"),
                None,
                _,
            ] => Some(Route::CancelledOrder(id)),
            [Some("api"), Some("payments"), Some("webhook"), None, ..] => {
                Some(Route::PaymentWebhook)
            }
            [Some("healthz"), None, ..] => Some(Route::Health),
            [Some("readyz"), None, ..] => Some(Route::Readiness),
            _ => None,
        }
    }

    fn of_operators(segments: [Option<&'a str>; 4]) -> Option<Route<'a>> {
        match segments {
            [Some("products"), None, ..] => Some(Route::AdminProducts),
            [Some("products"), Some(id), None, _] => Some(Route::AdminProduct(id)),
            [Some("products"), Some(id), Some("restock"), None] => Some(Route::AdminRestock(id)),
            [Some("products"), Some(id), Some("movements"), None] => {
                Some(Route::AdminMovements(id))
            }
            [Some("holds"), None, ..] => Some(Route::AdminHolds),
            [Some("orders"), None, ..] => Some(Route::AdminOrders),
            [Some("orders"), Some(id), Some("refund"), None] => Some(Route::AdminOrderRefund(id)),
            [Some("payments"), None, ..] => Some(Route::AdminPayments),
            [Some("refunds"), None, ..] => Some(Route::AdminRefunds),
            [Some("refunds"), Some(id), Some("resolve"), None] => {
                Some(Route::AdminResolvedRefund(id))
            }
            [Some("refunds"), Some(id), Some("accept"), None] => {
                Some(Route::AdminAcceptedRefund(id))
            }
            [Some("stats"), None, ..] => Some(Route::AdminStats),
            _ => None,
        }
    }

    pub fn is_operators(path: &str) -> bool {
        path.starts_with(OPERATORS)
    }

    /// The path with its ids left out.
    pub fn pattern(self) -> &'static str {
        match self {
            Route::FrontPage => "/",
            Route::Products => "/api/products",
            Route::Product(_) => "/api/products/{id}",
            Route::Holds => "/api/holds",
            Route::Hold(_) => "/api/holds/{id}",
            Route::Orders => "/api/orders",
            Route::Order(_) => "/api/orders/{id}",
            Route::CancelledOrder(_) => "/api/orders/{id}/cancel",
            Route::PaymentWebhook => "/api/payments/webhook",
            Route::AdminProducts => "/admin/api/products",
            Route::AdminProduct(_) => "/admin/api/products/{id}",
            Route::AdminRestock(_) => "/admin/api/products/{id}/restock",
            Route::AdminMovements(_) => "/admin/api/products/{id}/movements",
            Route::AdminHolds => "/admin/api/holds",
            Route::AdminOrders => "/admin/api/orders",
            Route::AdminOrderRefund(_) => "/admin/api/orders/{id}/refund",
            Route::AdminPayments => "/admin/api/payments",
            Route::AdminRefunds => "/admin/api/refunds",
            Route::AdminResolvedRefund(_) => "/admin/api/refunds/{webhook_id}/resolve",
            Route::AdminAcceptedRefund(_) => "/admin/api/refunds/{webhook_id}/accept",
            Route::AdminStats => "/admin/api/stats",
            Route::Health => "/healthz",
            Route::Readiness => "/readyz",
        }
    }

    /// What `Allow` says.
    pub fn methods(self) -> &'static str {
        match self {
            Route::FrontPage
            | Route::Products
            | Route::Product(_)
            | Route::Order(_)
            | Route::AdminMovements(_)
            | Route::AdminHolds
            | Route::AdminOrders
            | Route::AdminPayments
            | Route::AdminRefunds
            | Route::AdminStats
            | Route::Health
            | Route::Readiness => "GET, HEAD",
            Route::Hold(_) => "GET, HEAD, DELETE",
            Route::AdminProduct(_) => "PATCH",
            Route::Holds
            | Route::Orders
            | Route::CancelledOrder(_)
            | Route::PaymentWebhook
            | Route::AdminProducts
            | Route::AdminRestock(_)
            | Route::AdminOrderRefund(_)
            | Route::AdminResolvedRefund(_)
            | Route::AdminAcceptedRefund(_) => "POST",
        }
    }

    pub fn endpoint(self, method: &Method) -> Option<Endpoint<'a>> {
        let get = matches!(method, Method::Get | Method::Head);
        let post = *method == Method::Post;
        match self {
            Route::FrontPage => get.then_some(Endpoint::ShowFrontPage),
            Route::Products => get.then_some(Endpoint::ListProducts),
            Route::Product(id) => get.then_some(Endpoint::ShowProduct(id)),
            Route::Holds => post.then_some(Endpoint::PlaceHold),
            Route::Hold(id) if get => Some(Endpoint::ShowHold(id)),
            Route::Hold(id) => (*method == Method::Delete).then_some(Endpoint::ReleaseHold(id)),
            Route::Orders => post.then_some(Endpoint::PlaceOrder),
            Route::Order(id) => get.then_some(Endpoint::ShowOrder(id)),
            Route::CancelledOrder(id) => post.then_some(Endpoint::CancelOrder(id)),
            Route::PaymentWebhook => post.then_some(Endpoint::RecordPayment),
            Route::AdminProducts => post.then_some(Endpoint::CreateProduct),
            Route::AdminProduct(id) => {
                (*method == Method::Patch).then_some(Endpoint::ChangeProduct(id))
            }
            Route::AdminRestock(id) => post.then_some(Endpoint::RestockProduct(id)),
            Route::AdminMovements(id) => get.then_some(Endpoint::ListMovements(id)),
            Route::AdminHolds => get.then_some(Endpoint::ListHolds),
            Route::AdminOrders => get.then_some(Endpoint::ListOrders),
            Route::AdminOrderRefund(id) => post.then_some(Endpoint::RefundOrder(id)),
            Route::AdminPayments => get.then_some(Endpoint::ListPayments),
            Route::AdminRefunds => get.then_some(Endpoint::ListRefunds),
            Route::AdminResolvedRefund(id) => post.then_some(Endpoint::ResolveRefund(id)),
            Route::AdminAcceptedRefund(id) => post.then_some(Endpoint::AcceptRefund(id)),
            Route::AdminStats => get.then_some(Endpoint::ShowStats),
            Route::Health => get.then_some(Endpoint::Health),
            Route::Readiness => get.then_some(Endpoint::Readiness),
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
        assert_eq!(Route::of("/api/products/"), Some(Route::Products));
        assert_eq!(Route::of("/api/products/7/"), Some(Route::Product("7")));
        assert_eq!(Route::of("/api/products//"), Some(Route::Product("")));
        assert_eq!(Route::of("/"), Some(Route::FrontPage));
        assert_eq!(
            Route::of("/api/orders/7/cancel/"),
            Some(Route::CancelledOrder("7"))
        );
        assert_eq!(
            Route::of("/admin/api/products/7/restock/"),
            Some(Route::AdminRestock("7"))
        );
        assert_eq!(
            Route::of("/api/orders/7/cancel"),
            Some(Route::CancelledOrder("7"))
        );
        assert_eq!(
            Route::of("/admin/api/products/7/restock"),
            Some(Route::AdminRestock("7"))
        );
        for path in [
            "/admin",
            "/admin/api",
            "/admin/api/products/7/restock/8",
            "/admin/api/refunds/7",
            "",
            "/api",
            "/API/products",
            "/api/orders/7/pay",
            "//api/products",
            "//",
            "/api/products/7//",
            "/api//",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
