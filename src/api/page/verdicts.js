// What became of a payment, in words.

const MEANINGS = {
  applied: "Applied to its order",
  ignored: "Changed nothing",
  parked: "Waits for its order",
  amount_mismatch: "The amount is not the order’s total",
  duplicate_payment: "The order was paid already, by another payment",
  late_payment: "It came after its order or hold had ended",
};

export const VERDICTS = Object.keys(MEANINGS);

export function meaning(verdict) {
  return MEANINGS[verdict] ?? verdict;
}
