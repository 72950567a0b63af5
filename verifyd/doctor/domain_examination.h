// Examines probes of our own domains: where they lead, and what postmaster is told there.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_VERIFYD_DOCTOR_DOMAIN_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_DOMAIN_EXAMINATION_H_

#include <string>

#include "boost/asio/awaitable.hpp"
#include "mail/probe_outcome.h"
#include "verifyd/doctor/doctor_context.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// The most domains that are asked; of more, as many spread over all of them.
constexpr size_t kMostDomainsExamined = 200;

// Probes postmaster of each domain that verify_domains names, as the daemon would. A domain with trouble has an
// examination of its own. Sound domains have one each while they are few, else one for all.
boost::asio::awaitable<Examinations> ExamineDomains(const DoctorContext& context);

// Judges a domain by a probe of its postmaster.
Examination JudgeDomain(const std::string& domain, const ProbeOutcome& outcome);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_DOMAIN_EXAMINATION_H_
