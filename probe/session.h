// A session: one SMTP connection, and the dialogue on it (RFC 5321): banner, EHLO or HELO, then transactions of MAIL
// and one RCPT for each address, RSET between them, at the end QUIT. No message is ever sent.
//
//   Open ─▶ nothing: ready ─▶ Ask ─▶ findings ... ─▶ Leave
//        └▶ finding: why not ───────────────────────▶ Leave
//
// STARTTLS is used where it is offered (smtp_tls_security_level = may). If it fails, the session tries once more in
// clear, on a new connection. Where TLS is required it does not: the failure is a temporary finding, never one about an
// address. Nothing that was said before TLS counts after it.
//
// Where the server offers PIPELINING (RFC 2920) a transaction is sent at once, else each command waits for the reply to
// the one before.
//
// Each step is bounded by its stage time-out and by the probe's own deadline, whichever comes first: one timer closes
// the stream. A reply out of turn ends the session; only a 421 may come unasked (RFC 5321 section 3.8).
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_SESSION_H_
#define VERIFYD_PROBE_SESSION_H_

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/loop.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "mail/address.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/probe_request.h"
#include "mail/reply.h"
#include "probe/address_limits.h"
#include "probe/dialogue.h"
#include "probe/probe_settings.h"
#include "probe/session_slots.h"
#include "probe/wording.h"
#include "stream/dialer.h"
#include "stream/source_addresses.h"
#include "stream/stream.h"

namespace verifyd {

// One address of a transaction.
struct Enquiry {
  // Both are never null; all addresses of a transaction are of one domain.
  const Address* address = nullptr;
  Dialogue* dialogue = nullptr;
  // Filled by Ask. `on_answer` may take the finding; the address may be gone after it.
  bool told = false;
  std::unique_ptr<Finding> finding;
  // The reply was about the session, or came because of addresses that were asked before: it is nobody's verdict. Ask
  // again in another transaction.
  bool again = false;
  MonoTime answered;
};

// Says whether a transaction ends with a farewell, behind its last address.
enum class Farewell : uint8_t {
  kNone,
  // QUIT, sent with the other commands where the server offers PIPELINING (RFC 2920 section 3.1 lets it stand last of a
  // group): nothing more will be asked. Then nothing is tried again in the session, and a refusal of MAIL is answered
  // as it stands.
  kQuit,
};

class Session {
 public:
  // A greeting is waited for at least so long: tarpits and postscreen(8) take their time.
  static constexpr absl::Duration kGreetingPatience = absl::Seconds(30);
  // The reply to QUIT is waited for so long at most (or quit_timeout, if shorter): nothing depends on it.
  static constexpr absl::Duration kQuitPatience = absl::Seconds(2);

  // An identity without HELO name uses myhostname. `sources` are our addresses to connect from. Several endpoints are
  // of different IP versions; the first that answers is taken.
  Session(Loop& loop, std::vector<Endpoint> endpoints, ProbeIdentity identity,
          std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier,
          SourceAddresses sources = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // While others wait for a slot, the session gives up a greeting that takes longer than kGreetingPatience: hurried().
  void GiveWayTo(const SessionSlots* others) { others_ = others; }
  bool hurried() const { return hurried_; }
  // Holds its place at its addresses for as long as it lives.
  void Take(AddressLimits::Place place) { place_ = std::move(place); }
  // True if others wait for the place that it takes at an address.
  bool contested() const { return place_.contested(); }

  // The session, the dialogue and what is passed by reference must live until these coroutines have ended.

  // Connects and greets. Returns null if Ask may follow, else a finding that says why this server can not be asked.
  boost::asio::awaitable<std::unique_ptr<Finding>> Open(Dialer& dialer, MonoTime deadline, Dialogue& dialogue);
  // Does one transaction; it may be called after a successful Open, any number of times while ready(). `on_answer` is
  // called for every enquiry, as soon as its reply is there. The dialogue is written down only for a batch of one.
  boost::asio::awaitable<void> Ask(absl::Span<Enquiry> batch, MonoTime deadline,
                                   absl::FunctionRef<void(Enquiry&)> on_answer, Farewell farewell = Farewell::kNone);
  // Asks, in the transaction of the last Ask, whether `random`, which can not exist, would be accepted.
  boost::asio::awaitable<CatchAll> AskCatchAll(const Address& random, MonoTime deadline, Dialogue& dialogue);
  // Says QUIT where it can still be said, which ends a transaction, too (RFC 5321 section 4.1.1.10), and closes. Nobody
  // waits for the result.
  boost::asio::awaitable<void> Leave();

  bool ready() const { return state_ == State::kReady; }
  bool greeted() const { return greeted_; }    // got past EHLO or HELO
  MonoTime opened() const { return opened_; }  // when Open began
  bool connected() const { return stream_ != nullptr; }
  // The endpoint that was connected to; where none was, the one that was tried first.
  const Endpoint& endpoint() const { return endpoints_.front(); }
  // The endpoints that did not answer when they were dialed.
  const std::vector<Endpoint>& unreachable() const { return unreachable_; }
  // Returns whether it was opened with these, so that it can serve more of the same.
  bool Serves(const ProbeIdentity& identity, const std::shared_ptr<const ProbeSettings>& settings) const {
    return identity == identity_ && settings == settings_;
  }
  // Our address that it asks from; empty: the system chose.
  const std::string& source() const { return sources_.For(endpoint()); }
  // True if we had no descriptor or port left to connect: nothing is wrong with the server.
  bool exhausted() const { return exhausted_; }
  // Addresses whose reply was heard, and how many of them were refused.
  size_t asked() const { return asked_; }
  size_t refused() const { return refused_; }
  // The longest silence before a reply in the last Ask: a tarpit shows here.
  absl::Duration longest_gap() const { return longest_gap_; }
  // The time since when the reply to a RCPT, or to a DATA behind it, is waited for; InfiniteFuture: none is.
  MonoTime silent_since() const { return silent_since_; }
  // Stops listening while such a reply is waited for, as if the server had taken too long.
  void GiveUp();

 private:
  enum class State {
    kNew,
    kReady,      // greeted
    kLeaving,    // QUIT has been said
    kRefused,    // the server does not talk to us, or said 421
    kUntrusted,  // it broke the protocol: its replies mean nothing any more
    kBroken,     // time-out or end of stream
  };
  // The result of a command: an event, or a reply.
  struct Heard {
    Event event = Event::kNone;
    std::string detail;
    Reply reply;
  };

  // The change with which a transaction is tried again after a refusal of MAIL.
  enum class Redo : uint8_t { kNothing, kInTls, kWithoutSmtputf8 };

  // A command of a transaction, and the enquiry that it answers; null for RSET and MAIL.
  struct Planned {
    const Step* step;  // one of the constants
    Enquiry* enquiry;
  };
  // MAIL and RCPT for all of a batch, or for the rest of it.
  struct Transaction {
    absl::Span<Enquiry> batch;
    absl::FunctionRef<void(Enquiry&)> on_answer;
    Farewell farewell;
    std::vector<Planned> plan = {};
    size_t sent = 0;  // so many commands of the plan
    MonoTime last_heard = {};
    Redo redo = Redo::kNothing;
    bool mail_again = false;  // the refusal is nobody's verdict
    bool answered_one = false;
  };

  // Thousands of sessions mostly wait for a reply, and each pays for what lives that long in a coroutine's frame. So
  // what was heard is kept in the session, and ordinary functions deal with it.

  // Adds a command, without line end, to those to be sent before the next reply is waited for. A command with a control
  // character fails, and nothing is sent.
  void Put(absl::string_view command);
  // Sends the commands that were put, and takes one reply into heard_. `last`: no other reply may be behind it.
  boost::asio::awaitable<void> Receive(const Step& step, bool last);
  // Puts `command`, unless it is empty, and takes the reply to it.
  boost::asio::awaitable<void> Exchange(const Step& step, absl::Duration timeout, absl::string_view command);
  // Parses what was read. Returns whether heard_ is complete.
  bool Parse(const Step& step);
  // Sets heard_ to this event.
  void Fail(Event event, absl::string_view detail);
  // True if nothing more will be heard.
  bool over() const;

  // Plan makes the plan of a transaction, Transact carries it out. `redo` then says whether to do it anew.
  void Plan(Transaction& transaction);
  boost::asio::awaitable<void> Transact(Transaction& transaction);
  boost::asio::awaitable<void> TransactAnew(Transaction& transaction);
  void PutWindow(Transaction& transaction);
  void NoteGap(Transaction& transaction);
  void Forget();
  void PutCommand(const Transaction& transaction, const Planned& planned);
  void PutRcpt(const Address& address);
  absl::Duration TimeoutOf(const Step& step) const;
  bool AsksData() const { return settings_->AsksData(endpoint().protocol); }
  // Returns what a command has told the server.
  static Marks MarksOf(const Planned& planned);
  void TakeReply(Transaction& transaction, const Planned& planned);
  void NoteAsked();
  void TakeReplyToData(Transaction& transaction, const Planned& planned);
  void Answer(const Transaction& transaction, Enquiry& enquiry, std::unique_ptr<Finding> finding, bool again);
  void AnswerAsked(Transaction& transaction, const Planned& planned, std::unique_ptr<Finding> finding, bool ended);
  void AnswerRefused(const Transaction& transaction, const Planned& planned);
  void AnswerRest(Transaction& transaction, size_t last, std::unique_ptr<Finding> end);
  void AnswerUnanswered(const Transaction& transaction, const Finding& finding);
  Redo RedoFor(const Reply& reply);
  std::unique_ptr<Finding> MissingSmtputf8(const Address& address) const;

  // Each of these is a step to the first transaction. A step returns null if the dialogue can go on, else a finding
  // that says why it can not.
  boost::asio::awaitable<std::unique_ptr<Finding>> Connect(Dialer& dialer, bool with_tls);
  boost::asio::awaitable<std::unique_ptr<Finding>> Greet();
  boost::asio::awaitable<std::unique_ptr<Finding>> Introduce();
  boost::asio::awaitable<std::unique_ptr<Finding>> Secure();
  boost::asio::awaitable<std::unique_ptr<Finding>> Handshake();
  boost::asio::awaitable<Dialed> Race(Dialer& dialer, MonoTime connect_by);
  std::unique_ptr<Finding> TakeConnection(Dialed dialed);
  boost::asio::awaitable<void> SayHello(const Step& step);
  std::unique_ptr<Finding> LackOfTls();
  std::unique_ptr<Finding> RefusalIn(const Step& step);

  MonoTime BeginToConnect();
  bool IsOurselves(const Reply& reply) const;
  std::unique_ptr<Finding> Unencrypted(absl::string_view why);
  TlsPolicy Policy() const;  // at the endpoint
  void ArmTimer(absl::Duration timeout);
  void AwaitGreeting();
  void Expire(Event meaning);
  void ReadExtensions(const Reply& ehlo);

  std::unique_ptr<Finding> FindingOf(const Step& step, const Classification& classified, absl::string_view text) const;
  // Returns the finding about heard_, which came after `marks` had been said.
  std::unique_ptr<Finding> FindingOf(const Step& step, const Marks& marks) const;

  Loop& loop_;
  // The endpoints that may be dialed; when one has answered, only that one.
  std::vector<Endpoint> endpoints_;
  std::vector<Endpoint> unreachable_;
  const ProbeIdentity identity_;
  const std::shared_ptr<const ProbeSettings> settings_;
  const std::shared_ptr<const Classifier> classifier_;
  const SourceAddresses sources_;
  AddressLimits::Place place_;
  const SessionSlots* others_ = nullptr;

  State state_ = State::kNew;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  MonoTime opened_;
  MonoTime timer_due_;
  Event timer_meaning_ = Event::kNone;
  Event expired_ = Event::kNone;                    // what the timer meant when it closed the stream
  MonoTime deadline_ = MonoTime::InfiniteFuture();  // of the probe that is being served
  Dialogue* dialogue_ = nullptr;                    // likewise; null: none is written

  bool greeted_ = false;
  bool exhausted_ = false;
  bool hurried_ = false;
  bool may_use_tls_ = false;  // not tried yet
  bool tls_ = false;
  bool clear_may_help_ = false;  // TLS failed, and nobody requires it
  bool offers_starttls_ = false;
  bool offers_smtputf8_ = false;
  bool offers_pipelining_ = false;
  bool in_transaction_ = false;
  bool used_ = false;                      // a transaction was begun before
  bool said_smtputf8_ = false;             // in MAIL
  std::unique_ptr<Finding> mail_refusal_;  // in the transaction under way
  size_t asked_ = 0;
  size_t refused_ = 0;
  absl::Duration longest_gap_;
  MonoTime silent_since_ = MonoTime::InfiniteFuture();
  std::string outgoing_;  // put, not sent yet
  Heard heard_;
  ReplyParser parser_;
  // Small, as there are thousands: it holds most replies, and a longer one is read in pieces.
  std::array<char, 400> buffer_;
  absl::string_view unread_;  // of buffer_
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SESSION_H_
