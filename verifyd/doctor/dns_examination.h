// Examines what DNS says of us, and whether it can be believed.
//
// Thread: the loop's thread only. The coroutines end by the context's DNS deadline; the context lives until then.
#ifndef VERIFYD_VERIFYD_DOCTOR_DNS_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_DNS_EXAMINATION_H_

#include "boost/asio/awaitable.hpp"
#include "verifyd/doctor/doctor_context.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// The name in EHLO must lead to an address of ours.
boost::asio::awaitable<Examinations> ExamineHelo(const DoctorContext& context);
// Each address of ours must have a name that leads back, and that does not look like one of many.
boost::asio::awaitable<Examinations> ExaminePtr(const DoctorContext& context);
// The domain of the probe sender must let each of them send; that of the null sender is the name in EHLO.
boost::asio::awaitable<Examinations> ExamineSpf(const DoctorContext& context);
boost::asio::awaitable<Examinations> ExamineBlocklists(const DoctorContext& context);
// The name servers must not invent answers, and must be quick.
boost::asio::awaitable<Examinations> ExamineResolver(const DoctorContext& context);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_DNS_EXAMINATION_H_
