//! Ids: positive integers below 2^53, so that every JSON reader holds them exactly. Ids of different things don't mix.

const ID_MAX: i64 = (1 << 53) - 1;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(i64);

        impl $name {
            pub const FIRST: $name = $name(1);

            pub fn new(number: i64) -> Option<$name> {
                (1..=ID_MAX).contains(&number).then_some($name(number))
            }

            /// The id after this one. Three hundred thousand a second would take a thousand years to run out.
            pub fn next(self) -> $name {
                $name::new(self.0 + 1).expect("ids do not run out")
            }

            pub const fn get(self) -> i64 {
                self.0
            }

            /// The id's canonical decimal text and nothing else: no sign, no leading zero, no space.
            pub fn parse(text: &str) -> Option<$name> {
                let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                if !digits_only || text.starts_with('0') {
                    return None;
                }
                text.parse().ok().and_then($name::new)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    ProductId,
    HoldId,
    OrderId,
    /// The wire calls it `webhook_id`.
    PaymentId,
    EventId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_canonical_decimal_between_1_and_2_to_the_53() {
        assert_eq!(HoldId::parse("1").map(HoldId::get), Some(1));
        assert_eq!(
            HoldId::parse("9007199254740991").map(HoldId::get),
            Some(ID_MAX)
        );
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            "1.0",
            "1e2",
            " 1",
            "9007199254740992",
            "99999999999999999999",
            "١",
        ] {
            assert_eq!(HoldId::parse(text), None, "{text:?}");
        }
    }
}
