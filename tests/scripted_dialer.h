// A dialer whose servers play scripts, and keep the commands they got. Deterministic: answers come at once, or after a
// delay on the loop's clock.
//
// A script is one line, its steps separated by ";;":
//
//   banner=220 mx ;; ehlo=250-mx\n250 SMTPUTF8 ;; rcpt(bad@example.com)=550 5.1.1 User unknown ;; rset={timeout}
//
// A step gives the answer to a command (or the greeting: banner). Several steps for one command are its answers in
// turn; the last is repeated for ever. rcpt(ADDRESS) goes before rcpt. A command that the script does not mention is
// answered as a friendly server does. "\n" separates the lines of a reply; a bare code gets a text. In front of a
// reply:
//
//   {wait 300ms}   the reply comes that much later
//   {trickle 1s}  a byte at a time, with that much between them
//
// Instead of a reply: {timeout} sends nothing more, ever; {eof} hangs up; {reset}; {raw BYTES} as they are, with \r \n
// \xNN; {endless BYTES} the same for ever. After a reply: {eof} hangs up.
//
// handshake={fail} or handshake={timeout}: this happens in the TLS handshake after STARTTLS.
//
// A script that is only {refused}, {timeout}, {unreachable}, {reset} or {local_error}: this happens to the connection.
#ifndef VERIFYD_TESTS_SCRIPTED_DIALER_H_
#define VERIFYD_TESTS_SCRIPTED_DIALER_H_

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/text.h"
#include "base/timer.h"
#include "stream/dialer.h"
#include "stream/stream.h"

namespace verifyd {

// One connection as the server saw it.
struct ScriptedConnection {
  Endpoint endpoint;
  std::string source;
  std::vector<std::string> commands;  // without line ends
  bool open = true;                   // on our side
  bool tls = false;
  bool pipelined = false;  // a command came before the last reply was read
  size_t read = 0;         // bytes taken from the server
};

class ScriptedStream : public Stream {
 public:
  using Steps = std::map<std::string, std::deque<std::string>>;

  ScriptedStream(Loop& loop, Steps steps, std::shared_ptr<ScriptedConnection> seen, size_t chunk)
      : loop_(loop),
        steps_(std::move(steps)),
        seen_(std::move(seen)),
        chunk_(chunk),
        arrived_(loop),
        timer_(loop.timers()) {
    due_ = loop.clock().Mono();
    Reply("banner", "220 scripted ESMTP");
  }
  ~ScriptedStream() override { seen_->open = false; }

  boost::asio::awaitable<absl::StatusOr<TlsFacts>> StartTls(const std::string& server_name,
                                                            const TlsPolicy& policy) override {
    seen_->commands.push_back(absl::StrCat("{handshake ", server_name, "}"));
    const auto found = steps_.find("handshake");
    const std::string script = found == steps_.end() ? "" : found->second.front();
    if (script == "{timeout}") {
      while (!closed_) co_await arrived_.Wait();
    }
    if (closed_) co_return absl::AbortedError("closed");
    if (script == "{unverified}" && policy.authenticated())
      co_return absl::PermissionDeniedError("certificate of another");
    if (!script.empty() && script != "{unverified}") co_return absl::UnavailableError("handshake failure");
    seen_->tls = true;
    co_return TlsFacts{"TLSv1.3", "TLS_SCRIPTED"};
  }

  boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) override {
    for (;;) {
      if (closed_) co_return absl::AbortedError("closed");
      if (TakeDue(); !ready_.empty()) break;
      if (!endless_.empty()) {
        ready_ = endless_;
        break;
      }
      if (end_ == End::kEof) co_return size_t{0};
      if (end_ == End::kReset) co_return absl::UnavailableError("Connection reset by peer");
      co_await arrived_.Wait();
    }
    const size_t count = std::min({size, ready_.size(), chunk_});
    std::copy_n(ready_.begin(), count, buffer);
    ready_.erase(0, count);
    seen_->read += count;
    co_return count;
  }

  boost::asio::awaitable<absl::Status> Write(absl::string_view bytes) override {
    if (closed_) co_return absl::AbortedError("closed");
    if (end_ != End::kNone) co_return absl::UnavailableError("Broken pipe");
    TakeDue();
    if (!ready_.empty() || !coming_.empty()) seen_->pipelined = true;
    absl::StrAppend(&received_, bytes);
    for (size_t end = received_.find("\r\n"); end != std::string::npos; end = received_.find("\r\n")) {
      const std::string line = received_.substr(0, end);
      received_.erase(0, end + 2);
      if (!received_.empty()) seen_->pipelined = true;
      seen_->commands.push_back(line);
      Answer(line);
    }
    co_return absl::OkStatus();
  }

  void Close() override {
    closed_ = true;
    seen_->open = false;
    arrived_.NotifyAll();
  }

 private:
  enum class End { kNone, kEof, kReset };
  struct Coming {
    MonoTime due;
    std::string bytes;
    End end = End::kNone;
  };

  void Answer(absl::string_view line) {
    const std::string verb = absl::AsciiStrToLower(line.substr(0, line.find(' ')));
    if (verb == "rcpt") {
      const size_t open = line.find('<');
      const size_t close = line.rfind('>');
      if (open != absl::string_view::npos && close != absl::string_view::npos) {
        const std::string key = absl::StrCat("rcpt(", line.substr(open + 1, close - open - 1), ")");
        if (steps_.contains(key)) return Reply(key, "");
      }
    }
    if (verb == "helo" && !steps_.contains(verb)) return Reply("ehlo", "250 scripted");
    if (verb == "quit") return Reply(verb, "221 Bye{eof}");
    Reply(verb, "250 2.0.0 Ok");
  }

  void Reply(const std::string& step, absl::string_view otherwise) {
    if (silent_) return;
    const auto found = steps_.find(step);
    if (found == steps_.end()) return Play(otherwise);
    const std::string reply = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    Play(reply);
  }

  void Play(absl::string_view reply) {
    std::optional<absl::Duration> trickle;
    while (absl::ConsumePrefix(&reply, "{")) {
      const size_t end = reply.find('}');
      const absl::string_view verb = reply.substr(0, std::min(end, reply.find(' ')));
      const absl::string_view argument = verb.size() < end ? reply.substr(verb.size() + 1, end - verb.size() - 1) : "";
      reply = reply.substr(end + 1);
      if (verb == "wait") {
        absl::Duration wait;
        if (!absl::ParseDuration(argument, &wait)) wait = ParseTimeValue(argument).value();
        due_ = std::max(due_, loop_.clock().Mono()) + wait;
      }
      if (verb == "trickle") trickle = ParseTimeValue(argument).value();
      if (verb == "timeout") silent_ = true;
      if (verb == "eof") Add("", End::kEof);
      if (verb == "reset") Add("", End::kReset);
      if (verb == "raw") Add(Unescaped(argument), End::kNone);
      if (verb == "endless") endless_ = Unescaped(argument);
    }
    if (reply.empty()) return;
    const size_t behind = reply.find('{');
    std::string bytes = absl::StrReplaceAll(reply.substr(0, behind), {{"\\n", "\r\n"}});
    if (bytes.size() == 3) bytes += bytes.front() < '4' ? " Ok" : " No";
    bytes += "\r\n";
    if (trickle.has_value()) {
      for (const char c : bytes) {
        due_ = std::max(due_, loop_.clock().Mono()) + *trickle;
        Add(std::string(1, c), End::kNone);
      }
    } else {
      Add(std::move(bytes), End::kNone);
    }
    if (behind != absl::string_view::npos) Play(reply.substr(behind));
  }

  static std::string Unescaped(absl::string_view text) {
    std::string bytes;
    absl::CUnescape(text, &bytes);
    return bytes;
  }

  void Add(std::string bytes, End end) {
    due_ = std::max(due_, loop_.clock().Mono());
    coming_.push_back({due_, std::move(bytes), end});
    Arrange();
  }

  void Arrange() {
    arrived_.NotifyAll();
    if (coming_.empty() || timer_.set() || coming_.front().due <= loop_.clock().Mono()) return;
    timer_.SetAt(coming_.front().due, [this] { Arrange(); });
  }

  void TakeDue() {
    while (!coming_.empty() && coming_.front().due <= loop_.clock().Mono()) {
      ready_ += coming_.front().bytes;
      if (coming_.front().end != End::kNone) end_ = coming_.front().end;
      coming_.pop_front();
    }
    Arrange();
  }

  Loop& loop_;
  Steps steps_;
  std::shared_ptr<ScriptedConnection> seen_;
  const size_t chunk_;
  Signal arrived_;
  Timer timer_;
  MonoTime due_;
  std::deque<Coming> coming_;
  std::string ready_;
  std::string endless_;
  std::string received_;
  End end_ = End::kNone;
  bool silent_ = false;
  bool closed_ = false;
};

class ScriptedDialer : public Dialer {
 public:
  explicit ScriptedDialer(Loop& loop) : loop_(loop) {}

  // Sets the script of the server at `address`; called again, the script of its next connection. The last script stays.
  // A server without a script refuses connections.
  void Play(const std::string& address, absl::string_view script) { scripts_[address].emplace_back(script); }
  // Forgets the scripts of `address` first.
  void PlayOnly(const std::string& address, absl::string_view script) {
    scripts_.erase(address);
    Play(address, script);
  }
  // The most bytes that one Read brings.
  void set_chunk(size_t bytes) { chunk_ = bytes; }

  const std::vector<std::shared_ptr<ScriptedConnection>>& connections() const { return connections_; }
  size_t dialed() const { return dialed_; }  // with failed ones
  size_t open_now() const {
    return std::count_if(connections_.begin(), connections_.end(), [](const auto& c) { return c->open; });
  }
  size_t most_open() const { return most_open_; }

  boost::asio::awaitable<Dialed> Dial(const Endpoint& endpoint, const std::string& source, MonoTime deadline) override {
    ++dialed_;
    Dialed dialed;
    const std::string script = NextScript(endpoint.address);
    if (script == "{timeout}") {
      co_await loop_.Sleep(deadline - loop_.clock().Mono());
      dialed.failure = Event::kConnectTimeout;
      dialed.error = "Connection timed out";
    } else if (script == "{refused}") {
      dialed.failure = Event::kConnectRefused;
      dialed.error = "Connection refused";
    } else if (script == "{unreachable}") {
      dialed.failure = Event::kConnectUnreachable;
      dialed.error = "No route to host";
    } else if (script == "{reset}") {
      dialed.failure = Event::kConnectReset;
      dialed.error = "Connection reset by peer";
    } else if (script == "{exhausted}") {
      dialed.failure = Event::kLocalError;
      dialed.error = "Too many open files";
      dialed.exhausted = true;
    } else if (script == "{local_error}") {
      dialed.failure = Event::kLocalError;
      dialed.error = "Too many open files";
    } else {
      auto seen = std::make_shared<ScriptedConnection>();
      seen->endpoint = endpoint;
      seen->source = source;
      connections_.push_back(seen);
      most_open_ = std::max(most_open_, open_now());
      dialed.stream = std::make_unique<ScriptedStream>(loop_, ParseSteps(script), seen, chunk_);
    }
    co_return dialed;
  }

 private:
  std::string NextScript(const std::string& address) {
    const auto found = scripts_.find(address);
    if (found == scripts_.end()) return "{refused}";
    std::string script = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return script;
  }

  static ScriptedStream::Steps ParseSteps(absl::string_view script) {
    ScriptedStream::Steps steps;
    for (const absl::string_view step : absl::StrSplit(script, ";;", absl::SkipWhitespace())) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(absl::StripAsciiWhitespace(step), absl::MaxSplits('=', 1));
      steps[std::string(parts.first)].emplace_back(parts.second);
    }
    return steps;
  }

  Loop& loop_;
  std::map<std::string, std::deque<std::string>> scripts_;
  std::vector<std::shared_ptr<ScriptedConnection>> connections_;
  size_t chunk_ = SIZE_MAX;
  size_t dialed_ = 0;
  size_t most_open_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_SCRIPTED_DIALER_H_
