// The opening: everybody waits, and comes in the same second for far fewer units.

import { announce, awaitOpening, awaitOutcome, buy, buyer, checkDeal, number, repeat, summary, thresholds } from './shop.js';

const BUYERS = number('BUYERS', 500);
const STOCK = number('STOCK', 50);

export const options = {
  scenarios: {
    opening: { executor: 'per-vu-iterations', vus: BUYERS, iterations: 1, maxDuration: '3m' },
  },
  thresholds: thresholds(STOCK, 3000),
};

export const setup = () => announce('opening', STOCK, 8);

export default function opening(deal) {
  const who = buyer();
  awaitOpening(deal);
  const placed = buy(deal, who);
  if (placed) {
    const order = awaitOutcome(placed, who);
    // Every tenth buyer clicks twice.
    if (who.key.endsWith('0')) {
      repeat(deal, who, order);
    }
  }
}

export const teardown = (deal) => checkDeal(deal);
export const handleSummary = summary('opening');
