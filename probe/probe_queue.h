// A queue of addresses that wait to be asked about at one destination. The most urgent come first. Among equals the
// domains take turns, so that a domain with a thousand addresses does not keep another's one waiting. Within a domain
// addresses are served in the order in which they came. All operations take constant time; only a batch looks through a
// bounded number of addresses.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_PROBE_QUEUE_H_
#define VERIFYD_PROBE_PROBE_QUEUE_H_

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "mail/question.h"
#include "probe/probe_job.h"

namespace verifyd {

class ProbeQueue {
 public:
  enum class End { kFront, kBack };

  ProbeQueue() = default;
  ProbeQueue(const ProbeQueue&) = delete;
  ProbeQueue& operator=(const ProbeQueue&) = delete;

  // kFront is for a job that is asked again: it comes before the others of its domain, and its domain comes next.
  void Add(std::unique_ptr<ProbeJob> job, End end);
  // Returns the job whose turn it is; null if the queue is empty.
  ProbeJob* Front() const;
  // Takes the front, and behind it others of its domain that fit, up to `limit` together. The domain's next turn comes
  // after those of the others.
  std::vector<std::unique_ptr<ProbeJob>> TakeBatch(size_t limit, absl::FunctionRef<bool(const ProbeJob&)> fits);
  // Takes a job out of turn. Returns null if it is not here.
  std::unique_ptr<ProbeJob> Remove(const ProbeJob* job);

  bool empty() const { return places_.empty(); }
  size_t size() const { return places_.size(); }

 private:
  static constexpr size_t kUrgencies = 4;
  using Jobs = std::list<std::unique_ptr<ProbeJob>>;
  struct Domain {
    std::array<Jobs, kUrgencies> jobs;
    // Its place in the rotation of each urgency in which it has jobs.
    std::array<std::list<Domain*>::iterator, kUrgencies> turn;
    std::string name;
  };

  std::unique_ptr<ProbeJob> Take(Domain& domain, size_t urgency, Jobs::iterator place);
  void ForgetIfEmpty(Domain& domain);

  absl::flat_hash_map<std::string, std::unique_ptr<Domain>> domains_;
  std::array<std::list<Domain*>, kUrgencies> rotation_;
  absl::flat_hash_map<const ProbeJob*, Jobs::iterator> places_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBE_QUEUE_H_
