// Examines what mail servers say to us: those of the probe sender's domain, and some big ones.
//
// Thread: the loop's thread only. The coroutines end soon after the context's SMTP deadline; the context lives until
// then.
#ifndef VERIFYD_VERIFYD_DOCTOR_SMTP_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_SMTP_EXAMINATION_H_

#include "boost/asio/awaitable.hpp"
#include "verifyd/doctor/doctor_context.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// An MX of the probe sender's domain must accept the sender of this slot of time and of the neighbouring ones, asked in
// the way of servers that verify senders.
boost::asio::awaitable<Examinations> ExamineSender(const DoctorContext& context);
// Other servers must be reachable on the SMTP port.
boost::asio::awaitable<Examinations> ExaminePort25(const DoctorContext& context);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SMTP_EXAMINATION_H_
