//! Looks are combined: one thread reads, each time for all who wait. Who comes while it reads waits for the next look, which
//! begins after they came: each answer is as fresh as if everybody had looked, and the server sees one look at a time,
//! whatever the crowd. A row that cannot be read is told to whoever wants it, and to nobody else.

use std::hash::Hash;
use std::io;
use std::iter;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::shown::Shown;
use crate::sale::{
    Command, Hold, HoldId, Order, OrderId, PlaceHold, Product, ProductId, Rejection, Terms,
};
use crate::store::{Seen, StoreError, Then};

/// How many are answered by one look.
const WANTS_MAX: usize = 1024;

/// What the thread reads with.
pub trait Eyes: Send + 'static {
    fn products(&self, ids: &[ProductId]) -> Result<Shown<ProductId, Arc<Product>>, StoreError>;

    fn holds(&self, ids: &[HoldId]) -> Result<Shown<HoldId, Hold>, StoreError>;

    fn orders(&self, ids: &[OrderId]) -> Result<Shown<OrderId, Order>, StoreError>;

    /// Of each command, as if it was the only one.
    fn refusals(
        &self,
        commands: &[Command],
        terms: &Terms,
    ) -> Result<Vec<Option<Rejection>>, StoreError>;
}

/// The thread ends when this is dropped.
pub struct Looks {
    wanted: Sender<Want>,
}

/// What somebody wants to know, and what is done with it.
pub enum Want {
    Product(RowLook<ProductId, Arc<Product>>),
    Hold(RowLook<HoldId, Hold>),
    Order(RowLook<OrderId, Order>),
    Refusal(RefusalLook),
}

pub struct RowLook<Id, T> {
    pub id: Id,
    pub then: Then<Seen<Option<T>>>,
}

pub struct RefusalLook {
    pub wish: PlaceHold,
    /// The same for all.
    pub terms: Terms,
    pub then: Then<(PlaceHold, Option<Rejection>)>,
}

impl Looks {
    pub fn start(eyes: impl Eyes) -> io::Result<Looks> {
        let (wanted, wants) = unbounded();
        let look_on = move || look_on(&eyes, &wants);
        thread::Builder::new().name("looks".into()).spawn(look_on)?;
        Ok(Looks { wanted })
    }

    pub fn want(&self, want: Want) {
        if let Err(unheard) = self.wanted.send(want) {
            let ended = StoreError::NotApplied("nothing is read any more".into());
            match unheard.into_inner() {
                Want::Product(wanted) => (wanted.then)(Err(ended)),
                Want::Hold(wanted) => (wanted.then)(Err(ended)),
                Want::Order(wanted) => (wanted.then)(Err(ended)),
                Want::Refusal(wanted) => (wanted.then)(Err(ended)),
            }
        }
    }
}

fn look_on(eyes: &impl Eyes, wants: &Receiver<Want>) {
    while let Ok(first) = wants.recv() {
        let (mut products, mut holds, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        let mut refusals = Vec::new();
        for want in iter::once(first).chain(wants.try_iter().take(WANTS_MAX - 1)) {
            match want {
                Want::Product(wanted) => products.push(wanted),
                Want::Hold(wanted) => holds.push(wanted),
                Want::Order(wanted) => orders.push(wanted),
                Want::Refusal(wanted) => refusals.push(wanted),
            }
        }
        show(products, &|ids| eyes.products(ids));
        show(holds, &|ids| eyes.holds(ids));
        show(orders, &|ids| eyes.orders(ids));
        judge(eyes, refusals);
    }
}

fn show<Id: Copy + Ord + Hash, T: Clone>(
    mut wanted: Vec<RowLook<Id, T>>,
    see: &impl Fn(&[Id]) -> Result<Shown<Id, T>, StoreError>,
) {
    let mut ids: Vec<Id> = wanted.iter().map(|wanted| wanted.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return;
    }
    let shown = see(&ids);
    if ids.len() > 1 && is_of_a_row(&shown) {
        for id in ids {
            let (these, others) = wanted.into_iter().partition(|wanted| wanted.id == id);
            show(these, see);
            wanted = others;
        }
        return;
    }
    for RowLook { id, then } in wanted {
        let shown = shown.as_ref().map(|shown| shown.of(id));
        then(shown.map_err(StoreError::clone));
    }
}

fn judge(eyes: &impl Eyes, wanted: Vec<RefusalLook>) {
    let Some(terms) = wanted.first().map(|wanted| wanted.terms) else {
        return;
    };
    let commands: Vec<Command> = wanted
        .iter()
        .map(|wanted| Command::PlaceHold(wanted.wish.clone()))
        .collect();
    let refusals = eyes.refusals(&commands, &terms);
    if wanted.len() > 1 && is_of_a_row(&refusals) {
        for one in wanted {
            judge(eyes, vec![one]);
        }
        return;
    }
    match refusals {
        Ok(refusals) => {
            for (RefusalLook { wish, then, .. }, refusal) in wanted.into_iter().zip(refusals) {
                then(Ok((wish, refusal)));
            }
        }
        Err(failure) => {
            for RefusalLook { then, .. } in wanted {
                then(Err(failure.clone()));
            }
        }
    }
}

/// Whether other rows may be read all the same.
fn is_of_a_row<T>(read: &Result<T, StoreError>) -> bool {
    matches!(
        read,
        Err(StoreError::Unreadable(_) | StoreError::Broken(_) | StoreError::Corrupt(_))
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;
    use crate::sale::Timestamp;

    /// Each look waits until it is told to go on, and its time is its number.
    struct Blinking {
        looks: Sender<Vec<ProductId>>,
        told: Receiver<Result<i64, StoreError>>,
    }

    impl Eyes for Blinking {
        fn products(
            &self,
            ids: &[ProductId],
        ) -> Result<Shown<ProductId, Arc<Product>>, StoreError> {
            self.looks.send(ids.to_vec()).unwrap();
            let at = Timestamp::from_micros(self.told.recv().unwrap()?);
            Ok(Shown {
                rows: HashMap::new(),
                at,
            })
        }

        fn holds(&self, _: &[HoldId]) -> Result<Shown<HoldId, Hold>, StoreError> {
            unreachable!("nobody asks")
        }

        fn orders(&self, _: &[OrderId]) -> Result<Shown<OrderId, Order>, StoreError> {
            unreachable!("nobody asks")
        }

        fn refusals(&self, _: &[Command], _: &Terms) -> Result<Vec<Option<Rejection>>, StoreError> {
            unreachable!("nobody asks")
        }
    }

    #[test]
    fn who_comes_during_a_look_is_answered_by_the_next_one_with_all_others() {
        let (began, looks) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let all = Looks::start(Blinking { looks: began, told }).unwrap();
        let want = |id: i64| {
            let (id, answered) = (ProductId::new(id).unwrap(), answered.clone());
            all.want(Want::Product(RowLook {
                id,
                then: Box::new(move |seen| {
                    let at = seen.map(|seen| seen.at.micros());
                    answered
                        .send((id.get(), at.map_err(|failure| failure.to_string())))
                        .unwrap();
                }),
            }));
        };
        let ids = |ids: &[i64]| {
            ids.iter()
                .map(|id| ProductId::new(*id).unwrap())
                .collect::<Vec<_>>()
        };

        want(7);
        assert_eq!(looks.recv().unwrap(), ids(&[7]));
        [9, 7, 8, 9].into_iter().for_each(want);
        go_on.send(Ok(1)).unwrap();
        assert_eq!(answers.recv().unwrap(), (7, Ok(1)));
        assert_eq!(looks.recv().unwrap(), ids(&[7, 8, 9]));

        want(6);
        go_on.send(Ok(2)).unwrap();
        let second: Vec<_> = answers.iter().take(4).collect();
        assert_eq!(second, [(9, Ok(2)), (7, Ok(2)), (8, Ok(2)), (9, Ok(2))]);

        assert_eq!(looks.recv().unwrap(), ids(&[6]));
        [5, 4].into_iter().for_each(want);
        go_on.send(Err(StoreError::Busy)).unwrap();
        assert_eq!(
            answers.recv().unwrap(),
            (6, Err(StoreError::Busy.to_string()))
        );
        assert_eq!(looks.recv().unwrap(), ids(&[4, 5]));
        go_on.send(Ok(4)).unwrap();
        let last: Vec<_> = answers.iter().take(2).collect();
        assert_eq!(last, [(5, Ok(4)), (4, Ok(4))]);

        want(1);
        assert_eq!(looks.recv().unwrap(), ids(&[1]));
        [3, 2].into_iter().for_each(want);
        let unreadable = || StoreError::Broken("a price of nothing".into());
        [Ok(5), Err(unreadable()), Ok(6), Err(unreadable())]
            .into_iter()
            .for_each(|told| go_on.send(told).unwrap());
        assert_eq!(answers.recv().unwrap(), (1, Ok(5)));
        assert_eq!(looks.recv().unwrap(), ids(&[2, 3]));
        assert_eq!(looks.recv().unwrap(), ids(&[2]));
        assert_eq!(looks.recv().unwrap(), ids(&[3]));
        let apart: Vec<_> = answers.iter().take(2).collect();
        assert_eq!(apart, [(2, Ok(6)), (3, Err(unreadable().to_string()))]);
    }
}
