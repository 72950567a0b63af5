// One address on its way through a destination: what is asked, which servers were asked already, and what they said.
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
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "probe/transcript.h"

namespace verifyd {

// What an earlier run, or this one before it forgot the destination, knew of it and of the domain there.
struct RememberedPlace {
  std::optional<DestinationState> destination;
  std::optional<DomainBreaker> domain;
};

struct ProbeJob {
  ProbeJob(ProbeRequest request, Route route, Transcript transcript)
      : request(std::move(request)), route(std::move(route)), transcript(std::move(transcript)) {}

  ProbeRequest request;
  Route route;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  Transcript transcript;
  // Called once, on the prober loop; null when it was.
  absl::AnyInvocable<void(std::unique_ptr<ProbeOutcome>)> answer;
  // Called before that, once, where the address is accepted and the answer is held back; may be null.
  absl::AnyInvocable<void(const Finding&)> accepted;

  // Null: nobody has looked.
  std::unique_ptr<RememberedPlace> remembered;

  // What the destination notes of it.
  MonoTime queued;              // since when it waits, this time
  std::optional<Timer> expiry;  // of its deadline
  std::vector<bool> tried;      // beside route.endpoints
  int sessions_left = 0;        // smtp_mx_session_limit
  std::string source;           // from which of our addresses it was asked last; empty: the system chose
  int again = 0;                // how often what was said was nobody's verdict
  int throttled = 0;            // how often the server complained that we are too many, or too fast
  // Where it was asked a session ended, or others had to wait: it is asked behind them, and on a connection of its own.
  bool alone = false;
  // One of ours from which it was told that we are blocked: another one is tried; empty: it was not told so.
  std::string avoided_source;
  bool conversed = false;
  bool hurried = false;                  // a greeting was given up for others
  bool relay_denied = true;              // every server asked so far has said so
  bool relay_denied_everywhere = false;  // and none is left
  bool asked_other_provider = false;
  bool declined = false;
  bool on_hold = false;
  bool tries_domain = false;        // the one probe that tries whether its domain is let in again
  bool tries_destination = false;   // ... whether the destination talks to us again
  std::unique_ptr<Finding> best;    // of the servers asked so far
  std::unique_ptr<Finding> target;  // what is held back until the question about an impossible address is answered
  ProbeDelays delays;
  CatchAll catch_all = CatchAll::kNotAsked;

  const std::string& domain() const { return request.address.domain(); }
  // A route of the operator's, or a domain of his: no share and no budget that protects others holds it up.
  bool own() const { return route.configured || request.ours; }
  bool answered() const { return !answer; }
  void NoteTried(const Endpoint& endpoint);
  // The first server in order that was not asked; nothing when all were.
  std::optional<size_t> NextServer() const;
  // The next server, and beside it one of the other IP version where there is one of the same preference.
  std::vector<Endpoint> NextEndpoints() const;
  // Which of its servers `endpoint` is, where it may still be asked: not tried, and none better is left.
  std::optional<size_t> ServerAt(const Endpoint& endpoint) const;
  // One session can ask for both: the same identity, rules and settings.
  bool FitsWith(const ProbeJob& other) const {
    return settings == other.settings && classifier == other.classifier && request.identity == other.request.identity;
  }
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBE_JOB_H_
