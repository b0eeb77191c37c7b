// A soak: a moderate sale for a long time, with repeats and with people who only look, to see what
// grows. Watch the service's memory and `timedeal_projector_lag_seconds` meanwhile.

import { sleep } from 'k6';
import { announce, awaitOpening, awaitOutcome, buy, buyer, checkDeal, number, poll, repeat, summary, thresholds } from './shop.js';

const RATE = number('RATE', 50);
const MINUTES = number('MINUTES', 60);
const STOCK = Math.ceil(RATE * 60 * (MINUTES + 1));
const duration = `${Math.ceil(MINUTES * 60)}s`;

export const options = {
  scenarios: {
    buyers: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      duration,
      preAllocatedVUs: Math.max(20, RATE),
      maxVUs: Math.max(100, RATE * 10),
      exec: 'buying',
    },
    lookers: { executor: 'constant-vus', vus: number('LOOKERS', 20), duration, exec: 'looking' },
  },
  thresholds: { ...thresholds(STOCK, 500), dropped_iterations: ['count==0'] },
};

export function setup() {
  const deal = announce('soak', STOCK, 2);
  awaitOpening(deal);
  return deal;
}

export function buying(deal) {
  const who = buyer();
  const placed = buy(deal, who);
  if (placed) {
    const order = awaitOutcome(placed, who);
    if (who.key.endsWith('0')) {
      repeat(deal, who, order);
    }
  }
}

export function looking(deal) {
  poll(`/v1/deals/${deal.deal_id}`, buyer().token, 'deal');
  sleep(1);
}

export const teardown = (deal) => checkDeal(deal);
export const handleSummary = summary('soak');
