// A storm of polls: a sale is over, and everybody asks for their order and for the deal, again and
// again, faster than they were told to. What was said once must not change.

import { check } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { announce, awaitOpening, awaitOutcome, buy, checkDeal, number, poll, summary, thresholds, tokenOf } from './shop.js';

const ORDERS = number('ORDERS', 200);
const RATE = number('RATE', 500);
const SECONDS = number('SECONDS', 30);
// Half of the buyers get a unit.
const STOCK = Math.ceil(ORDERS / 2);

const slow = new Counter('polls_put_off');

export const options = {
  setupTimeout: '5m',
  scenarios: {
    polls: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      duration: `${SECONDS}s`,
      preAllocatedVUs: Math.max(50, Math.ceil(RATE / 5)),
      maxVUs: Math.max(100, RATE * 2),
    },
  },
  thresholds: {
    ...thresholds(STOCK, 3000),
    checks: ['rate==1'],
    'http_req_duration{name:order}': [`p(95)<${number('POLL_P95_MS', 200)}`],
    'http_req_duration{name:deal}': [`p(95)<${number('POLL_P95_MS', 200)}`],
    dropped_iterations: ['count==0'],
  },
};

export function setup() {
  const deal = announce('polls', STOCK, 2);
  awaitOpening(deal);
  const orders = [];
  for (let index = 0; index < ORDERS; index += 1) {
    const who = { token: tokenOf(index), key: `k6-${index}` };
    const placed = buy(deal, who);
    if (placed) {
      const { order_id, status } = awaitOutcome(placed, who);
      orders.push({ order_id, status, index });
    }
  }
  return { ...deal, orders };
}

export default function storm(deal) {
  const iteration = exec.scenario.iterationInTest;
  if (iteration % 4 === 3) {
    const shown = poll(`/v1/deals/${deal.deal_id}`, tokenOf(0), 'deal');
    check(shown, { 'the deal is there': (answer) => answer.status === 200 });
    return;
  }
  const { order_id, status, index } = deal.orders[iteration % deal.orders.length];
  const shown = poll(`/v1/orders/${order_id}`, tokenOf(index), 'order');
  // Who asks too often, or more often than there is time for, is told when to come back.
  if (shown.status === 429 || shown.status === 503) {
    slow.add(1);
    return;
  }
  check(shown, {
    'the order is what it was': (answer) => answer.status === 200 && answer.json('status') === status,
  });
}

export const teardown = (deal) => checkDeal(deal);
export const handleSummary = summary('polls');
