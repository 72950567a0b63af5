// What memory holds of an address is read once for a question, whoever needs it on the way.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/string_view.h"
#include "tests/verifyd/rooms_test.h"
#include "verifyd/restriction/mail_request.h"

namespace verifyd {
namespace {

class HeldTest : public RoomsTest {
 protected:
  // As a door has it: from the request to the record of the decision.
  Ruling Decide(absl::string_view recipient) {
    const MailRequest request = {
        .protocol_state = "RCPT", .client_address = "192.0.2.7", .sender = "ann@example.org", .recipient = recipient};
    const CacheCounts before = cache_->counts();
    Evaluation evaluation = restrictions_.Begin(request, /*memory_only=*/false);
    Ruling ruling = evaluation.settled() ? evaluation.ruling() : test_.Run(restrictions_.Finish(std::move(evaluation)));
    record_.Take(request, ruling);
    const CacheCounts after = cache_->counts();
    record_reads_ = after.record_reads - before.record_reads;
    domain_reads_ = after.domain_reads - before.domain_reads;
    return ruling;
  }

  uint64_t record_reads_ = 0;
  uint64_t domain_reads_ = 0;
};

TEST_F(HeldTest, ANewAddressThatIsRefusedIsReadOnceBeforeItsProbeAndOnceBehindIt) {
  AddServer("example.com", "rcpt=550 5.1.1 User unknown");
  ConfigureRooms({{"verify_domains", "*"}});
  const Ruling ruling = Decide("no@example.com");
  ASSERT_TRUE(ruling.verdict.has_value());
  EXPECT_EQ(ruling.verdict->finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(ruling.verdict->source, VerdictSource::kProbe);
  EXPECT_TRUE(ruling.decision.refuses());
  EXPECT_EQ(record_reads_, 2U);
  EXPECT_EQ(domain_reads_, 2U);
}

TEST_F(HeldTest, AKnownAddressIsReadOnceAndItsDomainNotAtAll) {
  AddServer("example.com", "rcpt=550 5.1.1 User unknown");
  ConfigureRooms({{"verify_domains", "*"}});
  Decide("no@example.com");
  const Ruling ruling = Decide("no@example.com");
  ASSERT_TRUE(ruling.verdict.has_value());
  EXPECT_EQ(ruling.verdict->source, VerdictSource::kRecord);
  EXPECT_TRUE(ruling.decision.refuses());
  EXPECT_EQ(record_reads_, 1U);
  EXPECT_EQ(domain_reads_, 0U);
}

}  // namespace
}  // namespace verifyd
