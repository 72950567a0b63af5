#include "probe/probe_queue.h"

#include <algorithm>
#include <utility>

namespace verifyd {
namespace {

// Addresses of the same domain that are looked at for each place in a batch.
constexpr size_t kLooks = 4;

size_t UrgencyOf(const ProbeJob& job) { return static_cast<size_t>(job.request.urgency); }

}  // namespace

void ProbeQueue::Add(std::unique_ptr<ProbeJob> job, End end) {
  std::unique_ptr<Domain>& domain = domains_[job->domain()];
  if (domain == nullptr) {
    domain = std::make_unique<Domain>();
    domain->name = job->domain();
  }
  const ProbeJob* const key = job.get();
  const size_t urgency = UrgencyOf(*job);
  Jobs& jobs = domain->jobs[urgency];
  std::list<Domain*>& rotation = rotation_[urgency];
  if (jobs.empty()) {
    domain->turn[urgency] = rotation.insert(end == End::kFront ? rotation.begin() : rotation.end(), domain.get());
  } else if (end == End::kFront) {
    rotation.splice(rotation.begin(), rotation, domain->turn[urgency]);
  }
  places_[key] = jobs.insert(end == End::kFront ? jobs.begin() : jobs.end(), std::move(job));
}

ProbeJob* ProbeQueue::Front() const {
  for (size_t urgency = 0; urgency < kUrgencies; ++urgency) {
    if (!rotation_[urgency].empty()) return rotation_[urgency].front()->jobs[urgency].front().get();
  }
  return nullptr;
}

std::vector<std::unique_ptr<ProbeJob>> ProbeQueue::TakeBatch(size_t limit,
                                                             absl::FunctionRef<bool(const ProbeJob&)> fits) {
  std::vector<std::unique_ptr<ProbeJob>> batch;
  const ProbeJob* const front = Front();
  if (front == nullptr) return batch;
  Domain& domain = *domains_.at(front->domain());
  batch.reserve(std::min(limit, size()));
  batch.push_back(Take(domain, UrgencyOf(*front), domain.jobs[UrgencyOf(*front)].begin()));
  size_t looks_left = limit * kLooks;
  for (size_t urgency = 0; urgency < kUrgencies; ++urgency) {
    Jobs& jobs = domain.jobs[urgency];
    for (auto place = jobs.begin(); place != jobs.end() && batch.size() < limit && looks_left > 0; --looks_left) {
      const auto next = std::next(place);
      if (fits(**place)) batch.push_back(Take(domain, urgency, place));
      place = next;
    }
    if (!jobs.empty()) {
      std::list<Domain*>& rotation = rotation_[urgency];
      rotation.splice(rotation.end(), rotation, domain.turn[urgency]);
    }
  }
  ForgetIfEmpty(domain);
  return batch;
}

std::unique_ptr<ProbeJob> ProbeQueue::Remove(const ProbeJob* job) {
  const auto found = places_.find(job);
  if (found == places_.end()) return nullptr;
  Domain& domain = *domains_.at(job->domain());
  std::unique_ptr<ProbeJob> taken = Take(domain, UrgencyOf(*job), found->second);
  ForgetIfEmpty(domain);
  return taken;
}

std::unique_ptr<ProbeJob> ProbeQueue::Take(Domain& domain, size_t urgency, Jobs::iterator place) {
  std::unique_ptr<ProbeJob> job = std::move(*place);
  domain.jobs[urgency].erase(place);
  if (domain.jobs[urgency].empty()) rotation_[urgency].erase(domain.turn[urgency]);
  places_.erase(job.get());
  return job;
}

void ProbeQueue::ForgetIfEmpty(Domain& domain) {
  for (const Jobs& jobs : domain.jobs) {
    if (!jobs.empty()) return;
  }
  const std::string name = domain.name;
  domains_.erase(name);
  if (!domains_.empty()) return;
  // Free the tables, too: most known destinations have nothing queued.
  domains_ = {};
  places_ = {};
}

}  // namespace verifyd
