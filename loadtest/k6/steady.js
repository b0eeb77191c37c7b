// A steady sale: so many purchases a second, whether or not the service keeps up, with a unit for
// each of them.

import { announce, awaitOpening, awaitOutcome, buy, buyer, checkDeal, number, summary, thresholds } from './shop.js';

const RATE = number('RATE', 100);
const SECONDS = number('SECONDS', 60);
// One more second: the rate is kept on average.
const STOCK = RATE * (SECONDS + 1);

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      duration: `${SECONDS}s`,
      preAllocatedVUs: Math.max(20, RATE),
      maxVUs: Math.max(100, RATE * 10),
    },
  },
  thresholds: {
    ...thresholds(STOCK, 500),
    // k6 itself had no one left to send: then the rate was not what it says.
    dropped_iterations: ['count==0'],
    purchases_refused: ['count==0'],
  },
};

export function setup() {
  const deal = announce('steady', STOCK, 2);
  awaitOpening(deal);
  return deal;
}

export default function steady(deal) {
  const who = buyer();
  const placed = buy(deal, who);
  if (placed) {
    awaitOutcome(placed, who);
  }
}

export const teardown = (deal) => checkDeal(deal);
export const handleSummary = summary('steady');
