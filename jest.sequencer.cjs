// The order of suites: the longest first, those that mostly wait for processes and those that only compute in turns,
// so that a core is not idle while every worker waits, and no long suite is left alone at the end. A fresh clone has
// no times to go by, so the order is written here.
// Jest brings the class along.
const { default: Sequencer } = require("@jest/test-sequencer");

const LONGEST_FIRST = [
  "test/e2e/membership-",
  "test/sim/planted-paxos",
  "test/integration/netns/faults-",
  "test/sim/planted-raft",
  "test/e2e/etcdctl-walk",
  "test/exhaustive/search",
  "test/integration/storage-damage-members",
  "test/sim/clean-",
  "test/e2e/faults",
  "test/sim/seeds",
  "test/e2e/maintenance-",
  "test/fuzz/http2.",
  "test/e2e/snapshot",
  "test/store/etcd-agreement",
  "test/e2e/lease",
  "test/exhaustive/",
  "test/e2e/",
  "test/store/",
  "test/robustness/",
  "test/sim/",
  "test/integration/",
  "test/",
  "",
];

function rankOf({ path, context }) {
  const name = path.slice(context.config.rootDir.length + 1);
  return LONGEST_FIRST.findIndex((start) => name.startsWith(start));
}

/** Named in jest's configuration as `testSequencer`. */
module.exports = class extends Sequencer {
  sort(tests) {
    return [...tests].sort((left, right) => {
      const byRank = rankOf(left) - rankOf(right);
      return byRank === 0 ? left.path.localeCompare(right.path) : byRank;
    });
  }
};
