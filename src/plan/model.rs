//! What a peak needs, and what of it breaks first. Pure arithmetic; must not know where its figures
//! come from, who asks, or how the answer is shown.
//!
//! A plan takes a share of each rate only, `busy`: a core that is planned to be full is late.

use gateway::status::StatusLimits;
use serde::Serialize;

use super::figures::{
    BROKERS_MIN, COPIES, CROWDED_AT_MOST, Figures, GATEWAYS_MIN, PARTITIONS_MAX, PARTITIONS_MIN,
    PARTITIONS_PER_PRODUCT, WORKER_CORES_MIN,
};

const MB: f64 = 1e6;
const GIB: f64 = (1_u64 << 30) as f64;
const MILLION: f64 = 1e6;
/// The default of `--max-connections`.
pub(super) const CONNECTIONS_MAX: u32 = 15_000;

/// What has to be borne.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Peak {
    /// Purchases a second.
    pub(super) purchases: f64,
    /// For so long.
    pub(super) seconds: f64,
    /// Share of them that the door lets in; the others are refused there.
    pub(super) admitted: f64,
    /// Products among which they are spread evenly.
    pub(super) products: u32,
    /// Polls and pages for each purchase.
    pub(super) polls: f64,
    /// Streams that are open.
    pub(super) watchers: u32,
    /// Cores of one gateway.
    pub(super) gateway_cores: u32,
    /// Share of each rate that is planned with.
    pub(super) busy: f64,
}

impl Peak {
    /// Orders that are let in, a second.
    pub(super) fn orders_per_second(&self) -> f64 {
        self.purchases * self.admitted
    }

    /// Orders of the whole peak.
    pub(super) fn orders(&self) -> f64 {
        self.orders_per_second() * self.seconds
    }

    /// Requests of the proxies that are on their way, and streams.
    fn connections(&self, figures: &Figures) -> f64 {
        let requests = self.purchases * (1.0 + self.polls);
        requests * figures.request_seconds.value + f64::from(self.watchers)
    }
}

/// What that takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Needs {
    /// Orders that are let in, a second.
    pub(super) orders_per_second: f64,
    pub(super) partitions: u64,
    /// Most products that are expected in one partition.
    pub(super) products_in_one: u64,
    pub(super) worker_cores: f64,
    /// Cores of each gateway that only follow decisions.
    pub(super) following_cores: f64,
    /// None: a gateway of so many cores is busy with following.
    pub(super) gateways: Option<f64>,
    pub(super) brokers: Option<f64>,
    /// Into the log, compressed, before it is copied.
    pub(super) log_mb_per_second: f64,
    /// Out of the log, to workers, gateways and the projector.
    pub(super) read_mb_per_second: Option<f64>,
    /// Orders that are in the log and not in the database when the peak ends.
    pub(super) waiting_rows: f64,
    /// Until they are there too, if nobody buys any more.
    pub(super) drain_seconds: f64,
    /// Memory of each gateway.
    pub(super) gateway_gib: Option<f64>,
    /// Memory of all workers together.
    pub(super) worker_gib: f64,
    /// A million orders in the log, with its copies.
    pub(super) log_gib_per_million: f64,
    /// The same in the database.
    pub(super) database_gib_per_million: f64,
}

/// Something of which there is one, whatever is added.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Limit {
    pub(super) what: &'static str,
    /// Purchases a second that it bears, other things being equal.
    pub(super) bears: f64,
    pub(super) why: String,
}

/// A peak, and what is known of the parts that bear it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reckoning<'a> {
    pub(super) peak: &'a Peak,
    pub(super) figures: &'a Figures,
    /// Orders that gateways keep beyond what the read model has. Then the door says 503.
    pub(super) kept_orders_max: f64,
}

/// What the gateway's own settings say.
pub(super) fn kept_orders_max() -> f64 {
    StatusLimits::default().records_hard_max as f64
}

impl Reckoning<'_> {
    pub(super) fn needs(&self) -> Needs {
        let (peak, figures) = (self.peak, self.figures);
        let admitted = peak.orders_per_second();
        let (partitions, products_in_one) = self.partitions();
        let gateways = self.gateways();
        let written = admitted * self.record_bytes();
        let read = gateways.map(|gateways| self.read_bytes(gateways));
        let waiting_rows = ((admitted - self.rows_per_second()) * peak.seconds).max(0.0);
        let workers = admitted / (figures.decided.value * peak.busy);
        Needs {
            orders_per_second: admitted,
            partitions,
            products_in_one,
            worker_cores: workers.ceil().max(WORKER_CORES_MIN),
            following_cores: admitted / figures.followed.value,
            gateways,
            brokers: read.map(|read| self.brokers(written, read)),
            log_mb_per_second: written / MB,
            read_mb_per_second: read.map(|read| read / MB),
            waiting_rows,
            drain_seconds: waiting_rows / self.rows_per_second(),
            gateway_gib: gateways.map(|gateways| self.gateway_bytes(gateways) / GIB),
            worker_gib: peak.orders() * figures.worker_order.value / GIB,
            log_gib_per_million: self.record_bytes() * COPIES * MILLION / GIB,
            database_gib_per_million: figures.row.value * MILLION / GIB,
        }
    }

    /// What cannot be had twice, the first to break first.
    pub(super) fn limits(&self) -> Vec<Limit> {
        let (peak, figures) = (self.peak, self.figures);
        let purchases = |orders: f64| orders / peak.admitted;
        let (partitions, in_one) = self.partitions();
        let products = f64::from(peak.products);
        let cores = f64::from(peak.gateway_cores);
        let line = figures.decided.value * peak.busy * products / in_one as f64;
        let rows = self.rows_per_second() + self.kept_orders_max / peak.seconds;
        let view = figures.followed.value * cores * peak.busy;
        let mut limits = vec![
            Limit {
                what: "a partition",
                bears: purchases(line),
                why: format!(
                    "its purchases stand in one line, which one core decides; the fullest of \
                     {partitions} has {in_one} of the {products} products"
                ),
            },
            Limit {
                what: "the read model",
                bears: purchases(rows),
                why: "one database takes the rows; a gateway keeps so many orders that it lacks, \
                      then it lets nobody in"
                    .to_owned(),
            },
            Limit {
                what: "a gateway's view",
                bears: purchases(view),
                why: format!(
                    "every gateway follows every decision, and has {cores} cores for all it does"
                ),
            },
        ];
        limits.sort_by(|one, other| one.bears.total_cmp(&other.bears));
        limits
    }

    /// How many, and how many products the fullest has.
    fn partitions(&self) -> (u64, u64) {
        let products = u64::from(self.peak.products);
        let partitions = (products * PARTITIONS_PER_PRODUCT).next_power_of_two();
        let partitions = partitions.clamp(PARTITIONS_MIN, PARTITIONS_MAX);
        (partitions, fullest(products, partitions))
    }

    fn rows_per_second(&self) -> f64 {
        self.figures.rows.value * self.peak.busy
    }

    /// Each follows all decisions; the rest of the work they share.
    fn gateways(&self) -> Option<f64> {
        let (peak, figures) = (self.peak, self.figures);
        let admitted = peak.orders_per_second();
        let following = admitted / figures.followed.value;
        let left = f64::from(peak.gateway_cores) * peak.busy - following;
        if left <= 0.0 {
            return None;
        }
        let others = peak.purchases - admitted + peak.purchases * peak.polls;
        let cores = admitted / figures.admissions.value + others / figures.answers.value;
        let by_connections = peak.connections(figures) / f64::from(CONNECTIONS_MAX);
        Some((cores / left).ceil().max(by_connections.ceil()).max(GATEWAYS_MIN))
    }

    /// The view and the connections of one gateway, when the peak ends and nothing has left yet
    /// that may stay.
    fn gateway_bytes(&self, gateways: f64) -> f64 {
        let figures = self.figures;
        let orders = self.peak.orders();
        let in_view = orders.min(self.kept_orders_max);
        let connections = self.peak.connections(figures) / gateways;
        in_view * figures.view_order.value
            + (orders - in_view) * figures.view_key.value
            + connections * figures.connection.value
    }

    /// A purchase and its decision, compressed.
    fn record_bytes(&self) -> f64 {
        let Figures { command, decision, compression, .. } = self.figures;
        (command.value + decision.value) / compression.value
    }

    /// Compressed bytes a second to all readers: a worker reads both logs, all others decisions.
    fn read_bytes(&self, gateways: f64) -> f64 {
        let (worker, projector) = (1.0, 1.0);
        let Figures { command, decision, compression, .. } = self.figures;
        let readers = worker + projector + gateways;
        let bytes = command.value * worker + decision.value * readers;
        self.peak.orders_per_second() * bytes / compression.value
    }

    fn brokers(&self, written: f64, read: f64) -> f64 {
        let Figures { broker_disk, broker_network, .. } = self.figures;
        // Each copy but the first goes out of one broker and into another.
        let incoming = written * COPIES;
        let outgoing = written * (COPIES - 1.0) + read;
        let by_disk = written * COPIES / (broker_disk.value * MB);
        let by_network = incoming.max(outgoing) / (broker_network.value * MB);
        (by_disk.max(by_network) / self.peak.busy).ceil().max(BROKERS_MIN)
    }
}

/// How many products to expect in the fullest partition: more than that anywhere are unlikely.
/// A product's partition is a hash of its id, so their number in one is nearly Poisson's.
pub(super) fn fullest(products: u64, partitions: u64) -> u64 {
    let mean = products as f64 / partitions as f64;
    let mut most = 0;
    // The chance of exactly `most` in one partition, and of that many or fewer.
    let mut exactly = (-mean).exp();
    let mut at_most = exactly;
    while most < products && partitions as f64 * (1.0 - at_most) > CROWDED_AT_MOST {
        most += 1;
        exactly *= mean / most as f64;
        at_most += exactly;
    }
    most.max(1)
}
