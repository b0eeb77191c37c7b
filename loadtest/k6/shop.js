// The shop as a load test sees it: a deal that is announced, buyers who come back when they are told
// to, and the promises that must hold afterwards. Knows the service by its HTTP interface only; must
// not know when buyers come, which is what the scenarios beside it say.

import http from 'k6/http';
import exec from 'k6/execution';
import { fail, sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { SharedArray } from 'k6/data';

const URL = (__ENV.URL || 'http://127.0.0.1:8080').replace(/\/$/, '');
const LOOPBACK = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/;

// Another's machine is not for trying things out.
if (!LOOPBACK.test(URL) && __ENV.ALLOW_REMOTE !== '1') {
  throw new Error(`${URL} is another machine; ALLOW_REMOTE=1 says that it is your own`);
}

// Answers that are right in a sale: anything else is a failed request.
http.setResponseCallback(
  http.expectedStatuses({ min: 200, max: 299 }, 304, 409, 429, 503),
);

// Until a purchase has its first answer for good: 202, 200 or a refusal.
export const purchaseAnswer = new Trend('purchase_answer', true);
// Until its outcome is known.
export const purchaseOutcome = new Trend('purchase_outcome', true);
const purchases = new Counter('purchases');
const admitted = new Counter('purchases_admitted');
const refused = new Counter('purchases_refused');
const turnedAway = new Counter('purchases_turned_away');
const gaveUp = new Counter('purchases_given_up');
const unitsSold = new Counter('units_sold');
// Every purchase answered 202 has exactly one outcome (I2). These have none that is known.
const undecided = new Counter('orders_without_outcome');
// What contradicts a promise, whatever it is; the log says what.
const broken = new Counter('promises_broken');

export const number = (name, otherwise) => Number(__ENV[name] || otherwise);

// One token a line, as `timedeal token --count N` prints them.
const tokens = new SharedArray('tokens', () => {
  const lines = open(__ENV.TOKENS || './tokens.txt').split('\n');
  return lines.map((line) => line.trim()).filter((line) => line.length > 0);
});
const admin = open(__ENV.ADMIN_TOKEN || './admin.txt').trim();

// What holds in every scenario, and the latency that this one allows.
export function thresholds(stock, answerP95Ms) {
  return {
    http_req_failed: ['rate==0'],
    purchase_answer: [`p(95)<${number('ANSWER_P95_MS', answerP95Ms)}`],
    units_sold: [`count<=${stock}`],
    orders_without_outcome: ['count==0'],
    purchases_given_up: ['count==0'],
    promises_broken: ['count==0'],
  };
}

const headers = (token, more) => ({
  Authorization: `Bearer ${token}`,
  'Content-Type': 'application/json',
  ...more,
});

const violation = (what) => {
  broken.add(1);
  console.error(`broken: ${what}`);
};

// Announces a deal that opens in so many seconds by the service's clock.
export function announce(name, stock, opensInSeconds) {
  const now = Date.parse(http.get(`${URL}/v1/deals`).headers.Date) || Date.now();
  const request = {
    product: { name: 'k6', description: 'Made by a load test.' },
    title: `k6 ${name}`,
    price: { amount: 1990, currency: 'EUR' },
    stock,
    // Tokens may be fewer than purchases.
    limit_per_customer: 1000,
    opens_at: new Date(now + opensInSeconds * 1000).toISOString(),
    closes_at: new Date(now + 24 * 3600 * 1000).toISOString(),
    hold_seconds: 0,
  };
  const address = `${URL}/v1/admin/products/k6-${name}/deals/k6-${now}-${Math.floor(Math.random() * 1e6)}`;
  const answer = http.put(`${address}?wait=10`, JSON.stringify(request), { headers: headers(admin) });
  if (answer.status !== 200 && answer.status !== 201) {
    fail(`the deal was not announced: ${answer.status} ${answer.body}`);
  }
  const deal = answer.json();
  return { deal_id: deal.deal_id, stock, opens_at_ms: now + opensInSeconds * 1000 };
}

// Waits until the deal opens. A second more: HTTP dates have no fraction.
export function awaitOpening(deal) {
  sleep(Math.max(0, deal.opens_at_ms + 1000 - Date.now()) / 1000);
}

export const tokenOf = (index) => tokens[index % tokens.length];

// A buyer for every iteration, in turn if there are fewer.
export function buyer() {
  const iteration = exec.scenario.iterationInTest;
  return { token: tokenOf(iteration), key: `k6-${iteration}` };
}

const seconds = (answer) => Number(answer.headers['Retry-After'] || 1);

// One purchase, sent again with the same key as often as the service says "come back". Answers the
// order, or nothing if it was refused or patience was over.
export function buy(deal, { token, key }) {
  const body = JSON.stringify({ deal_id: deal.deal_id, quantity: 1 });
  const params = { headers: headers(token, { 'Idempotency-Key': key }), tags: { name: 'purchase' } };
  const started = Date.now();
  const until = started + number('PATIENCE_SECONDS', 60) * 1000;
  purchases.add(1);
  for (;;) {
    const answer = http.post(`${URL}/v1/purchases`, body, params);
    if (answer.status === 202 || answer.status === 200) {
      purchaseAnswer.add(Date.now() - started);
      admitted.add(1);
      return { order: answer.json(), started, until };
    }
    // 0: no answer came, and nobody knows what became of it until it is sent again.
    const comesBack = [0, 429, 503].includes(answer.status) || answer.json('code') === 'deal-not-open';
    if (!comesBack) {
      purchaseAnswer.add(Date.now() - started);
      refused.add(1, { code: String(answer.json('code')) });
      return null;
    }
    turnedAway.add(1);
    if (Date.now() + seconds(answer) * 1000 > until) {
      gaveUp.add(1);
      return null;
    }
    sleep(seconds(answer));
  }
}

// Asks for an order until it is decided, and counts what it came to.
export function awaitOutcome({ order, started, until }, { token }) {
  let shown = order;
  while (shown.status === 'queued') {
    const answer = http.get(`${URL}/v1/orders/${order.order_id}?wait=5`, {
      headers: headers(token),
      tags: { name: 'order' },
    });
    if (answer.status === 200) {
      shown = answer.json();
    } else if (Date.now() < until) {
      sleep(seconds(answer));
    }
    if (shown.status === 'queued' && Date.now() >= until) {
      undecided.add(1);
      return shown;
    }
  }
  purchaseOutcome.add(Date.now() - started);
  if (shown.status === 'confirmed') {
    unitsSold.add(shown.quantity);
  } else if (shown.status !== 'rejected') {
    violation(`order ${order.order_id} is ${shown.status}, without a hold or a cancellation`);
  }
  return shown;
}

// The same purchase again, with the same key: the same order, or a refusal at the door if the first
// was refused (I5).
export function repeat(deal, who, first) {
  const again = buy(deal, who);
  if (again && again.order.order_id !== first.order_id) {
    violation(`key ${who.key} bought ${first.order_id} and ${again.order.order_id}`);
  }
  if (!again && first.status === 'confirmed') {
    violation(`key ${who.key} has order ${first.order_id}, and was refused when it came again`);
  }
}

// What a poller sends.
export const poll = (path, token, name, more) =>
  http.get(`${URL}${path}`, { headers: headers(token, more), tags: { name } });

// The deal's page, once it has come to rest: nothing sold twice, nothing lost (I1).
export function checkDeal(deal) {
  let shown = null;
  for (let look = 0; look < 20; look += 1) {
    const before = shown && JSON.stringify([shown.stock_left, shown.confirmed]);
    shown = http.get(`${URL}/v1/deals/${deal.deal_id}`).json();
    if (JSON.stringify([shown.stock_left, shown.confirmed]) === before) {
      break;
    }
    sleep(1);
  }
  const { stock, stock_left: left, held, confirmed } = shown;
  if (stock !== deal.stock || left + held + confirmed !== stock || left < 0) {
    violation(`I1: of ${deal.stock} units ${left} are left, ${held} held, ${confirmed} sold`);
  }
  return shown;
}

// After everything: what the deal's page says, beside what buyers were told.
export function summary(name) {
  return (data) => {
    const count = (metric) => (data.metrics[metric] ? data.metrics[metric].values.count : 0);
    const p = (metric, which) =>
      data.metrics[metric] ? `${data.metrics[metric].values[which].toFixed(0)} ms` : '–';
    const failed = Object.entries(data.metrics).flatMap(([metric, { thresholds: all }]) =>
      Object.entries(all || {})
        .filter(([, { ok }]) => !ok)
        .map(([rule]) => `${metric} ${rule}`),
    );
    const lines = [
      `${name}: ${count('purchases')} purchases, ${count('http_reqs')} requests`,
      `  let in ${count('purchases_admitted')}, refused ${count('purchases_refused')}, ` +
        `told to come back ${count('purchases_turned_away')}, given up ${count('purchases_given_up')}`,
      `  units sold ${count('units_sold')}, orders without an outcome ${count('orders_without_outcome')}, ` +
        `promises broken ${count('promises_broken')}`,
      `  purchase to answer p95 ${p('purchase_answer', 'p(95)')}, to outcome p95 ${p('purchase_outcome', 'p(95)')}`,
      failed.length === 0 ? '  every threshold holds' : `  FAILED: ${failed.join('; ')}`,
    ];
    return { stdout: `${lines.join('\n')}\n` };
  };
}
