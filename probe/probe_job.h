// A job: one address on its way through a destination, with its question, the servers that were asked already, and
// their answers.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_PROBE_JOB_H_
#define VERIFYD_PROBE_PROBE_JOB_H_

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/clock.h"
#include "base/timer.h"
#include "classifier/classifier.h"
#include "mail/destination_state.h"
#include "mail/finding.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "probe/dialogue.h"
#include "probe/probe_settings.h"
#include "probe/route.h"

namespace verifyd {

// The state of a destination and of a domain there, as an earlier run knew it, or this one before it forgot the
// destination.
struct RememberedPlace {
  std::optional<DestinationState> destination;
  std::optional<DomainBreaker> domain;
};

struct ProbeJob {
  ProbeJob(ProbeRequest request, Route route, Dialogue dialogue)
      : request(std::move(request)), route(std::move(route)), dialogue(std::move(dialogue)) {}

  ProbeRequest request;
  Route route;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  Dialogue dialogue;
  // Called once, on the prober loop; null after that.
  absl::AnyInvocable<void(std::unique_ptr<ProbeOutcome>)> answer;
  // Called before that, once, where the address is accepted and the answer is held back; may be null.
  absl::AnyInvocable<void(const Finding&)> accepted;

  // Null: not looked up yet.
  std::unique_ptr<RememberedPlace> remembered;

  // The destination's notes about it.
  MonoTime queued;              // when its present wait began
  std::optional<Timer> expiry;  // of its deadline
  std::vector<bool> tried;      // one for each of route.endpoints
  int sessions_left = 0;        // smtp_mx_session_limit
  std::string source;           // our address that it was asked from last; empty: the system chose
  int again = 0;                // how often the reply was nobody's verdict
  int throttled = 0;            // how often the server complained that we are too many, or too fast
  // A session ended at it, or others had to wait for it: it is asked behind them, and on a connection of its own.
  bool alone = false;
  // Our address that was told it is blocked: another one is tried; empty: none was told so.
  std::string avoided_source;
  bool conversed = false;
  bool hurried = false;                  // a greeting was given up for others
  bool relay_denied = true;              // every server asked so far has said so
  bool relay_denied_everywhere = false;  // every server has said so
  bool asked_other_provider = false;
  bool declined = false;
  bool on_hold = false;
  bool tries_domain = false;        // the one probe that tries whether its domain is let in again
  bool tries_destination = false;   // the one probe that tries whether the destination talks to us again
  std::unique_ptr<Finding> best;    // of the servers asked so far
  std::unique_ptr<Finding> target;  // held back until the question about an impossible address is answered
  ProbeDelays delays;
  CatchAll catch_all = CatchAll::kNotAsked;

  const std::string& domain() const { return request.address.domain(); }
  // A route of the operator's, or a domain of his: no share and no budget that protects others holds it up.
  bool own() const { return route.configured || request.ours; }
  bool answered() const { return !answer; }
  void NoteTried(const Endpoint& endpoint);
  // Returns the first server in order that was not asked; nothing when all were.
  std::optional<size_t> NextServer() const;
  // Returns the next server and, where there is one of the same preference, one of the other IP version.
  std::vector<Endpoint> NextEndpoints() const;
  // Returns which of its servers `endpoint` is, if it may still be asked: it was not tried, and no better one is left.
  std::optional<size_t> ServerAt(const Endpoint& endpoint) const;
  // Returns whether one session can ask for both: they have the same identity, rules and settings.
  bool FitsWith(const ProbeJob& other) const {
    return settings == other.settings && classifier == other.classifier && request.identity == other.request.identity;
  }
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBE_JOB_H_
