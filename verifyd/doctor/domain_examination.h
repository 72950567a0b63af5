// What becomes of probes of our own domains: where they lead, and what postmaster is told there.
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

// Domains asked at most; of more, as many spread over all of them.
constexpr size_t kMostDomainsExamined = 200;

// Probes postmaster of each domain that verify_domains names, as the daemon would. What is not well has an examination
// of its own; what is well has one while they are few, and one for all of them else.
boost::asio::awaitable<Examinations> ExamineDomains(const DoctorContext& context);

// What a probe of postmaster says of its domain.
Examination JudgeDomain(const std::string& domain, const ProbeOutcome& outcome);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_DOMAIN_EXAMINATION_H_
