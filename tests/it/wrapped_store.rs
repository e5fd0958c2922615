//! A store that wraps another, to see or to change one thing that goes through it: all else is the other's.

/// Methods of `Store` that the wrapped store, in the field `store`, answers.
macro_rules! delegates {
    () => {};
    (transact $(, $others:ident)*) => {
        fn transact(
            &mut self,
            terms: &Terms,
            now: flashsale::store::Now<'_>,
            commands: &[Command],
            more: flashsale::store::More<'_>,
        ) -> Result<Vec<flashsale::store::Decision>, StoreError> {
            self.store.transact(terms, now, commands, more)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (settle $(, $others:ident)*) => {
        fn settle(&mut self) -> Result<Option<Vec<flashsale::store::Decision>>, StoreError> {
            self.store.settle()
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (load $(, $others:ident)*) => {
        fn load(
            &mut self,
            terms: &Terms,
            now: flashsale::store::Now<'_>,
            chunks: &mut dyn Iterator<Item = Vec<Command>>,
            each: &mut dyn FnMut(&[flashsale::store::Decision]),
        ) -> Result<(), StoreError> {
            self.store.load(terms, now, chunks, each)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (probe $(, $others:ident)*) => {
        fn probe(&mut self, now: flashsale::store::Now<'_>) -> Result<(), StoreError> {
            self.store.probe(now)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (next_deadline $(, $others:ident)*) => {
        fn next_deadline(
            &mut self,
            terms: &Terms,
        ) -> Result<Option<flashsale::sale::Timestamp>, StoreError> {
            self.store.next_deadline(terms)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (rest $(, $others:ident)*) => {
        fn rest(
            &mut self,
            rest: flashsale::store::Rest,
        ) -> Result<flashsale::store::Checkpoint, StoreError> {
            self.store.rest(rest)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (gap $(, $others:ident)*) => {
        fn gap(&self) -> std::time::Duration {
            self.store.gap()
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (secret $(, $others:ident)*) => {
        fn secret(&self) -> &flashsale::sale::Secret {
            self.store.secret()
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (keep_currency $(, $others:ident)*) => {
        fn keep_currency(
            &mut self,
            currency: flashsale::sale::Currency,
        ) -> Result<flashsale::sale::Currency, StoreError> {
            self.store.keep_currency(currency)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
    (set_back $(, $others:ident)*) => {
        fn set_back(
            &mut self,
            wall: flashsale::sale::Timestamp,
            terms: &Terms,
        ) -> Result<Option<flashsale::store::SetBack>, StoreError> {
            self.store.set_back(wall, terms)
        }
        $crate::wrapped_store::delegates!($($others),*);
    };
}
pub(crate) use delegates;
