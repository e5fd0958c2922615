//! One macro ties an enum to its text, so that a state is spelled once: in the database, on the wire and in the log.

/// Declares a closed enum whose every value has one text, and derives both directions from the same table.
macro_rules! text_enum {
    (@one_of $first:literal $(, $other:literal)*) => { concat!("one of ", $first $(, ", ", $other)*) };
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
        pub enum $name { $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// What such a text must be, as a sentence says it.
            pub const ONE_OF: &'static str = text_enum!(@one_of $($text),+);

            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use text_enum;
