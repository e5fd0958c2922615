//! What was reported about transactions, and what they paid.

use std::collections::HashMap;

use super::Questions;
use crate::sale::{Order, Payment, Standing};
use crate::store::postgres::tables::{all, orders, payments, reversals};

impl Questions {
    pub(super) fn ask_for_reversals(&mut self, keys: Vec<String>) {
        if keys.is_empty() {
            return;
        }
        self.ask(reversals::by_keys(keys.clone()), move |set, rows| {
            for reversal in all(rows, reversals::read)? {
                set.fetched_reversal_key(reversal.key.clone(), Some(reversal));
            }
            keys.into_iter()
                .for_each(|key| set.fetched_reversal_key(key, None));
            Ok(())
        });
    }

    pub(super) fn ask_for_standings(&mut self, transactions: Vec<String>) {
        if transactions.is_empty() {
            return;
        }
        self.ask(
            reversals::standings(transactions.clone()),
            move |set, rows| {
                for row in &rows {
                    let standing = reversals::read_standing(row)?;
                    set.fetched_standing(row.try_get("transaction_id")?, standing);
                }
                for transaction in transactions {
                    set.fetched_standing(transaction, Standing::default());
                }
                Ok(())
            },
        );
    }

    pub(super) fn ask_for_transactions(&mut self, transactions: Vec<String>) {
        if transactions.is_empty() {
            return;
        }
        let steps = [
            orders::of_transactions(transactions.clone()),
            payments::of_transactions(transactions.clone()),
        ];
        self.ask_together(steps, move |set, [orders, payments]| {
            let mut paid: HashMap<Option<String>, Vec<Order>> = HashMap::new();
            for order in all(orders, orders::read)? {
                let its = paid.entry(order.transaction_id.clone());
                its.or_default().push(order);
            }
            let mut named: HashMap<Option<String>, Vec<Payment>> = HashMap::new();
            for payment in all(payments, payments::read)? {
                let its = named.entry(payment.report.transaction_id.clone());
                its.or_default().push(payment);
            }
            for transaction in transactions {
                let name = Some(transaction.clone());
                let orders = paid.remove(&name).unwrap_or_default();
                let payments = named.remove(&name).unwrap_or_default();
                set.fetched_transaction(transaction, orders, payments);
            }
            Ok(())
        });
    }
}
