// Measures the cost of parsing a reply in a session.
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/string_view.h"
#include "mail/reply.h"

namespace verifyd {
namespace {

// Feeds the whole stream at once.
void Feed(benchmark::State& state, const std::string& stream) {
  ReplyParser parser;
  for (auto _ : state) {
    absl::string_view bytes = stream;
    while (!bytes.empty()) benchmark::DoNotOptimize(parser.Feed(bytes));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * stream.size()));
}
BENCHMARK_CAPTURE(Feed, accepted, "250 2.1.5 Ok\r\n");
BENCHMARK_CAPTURE(Feed, refused, "550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown\r\n");
BENCHMARK_CAPTURE(Feed, ehlo,
                  "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-ETRN\r\n250-STARTTLS\r\n"
                  "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n");
BENCHMARK_CAPTURE(Feed, largest_line, "550 " + std::string(ReplyParser::kMaxLine - 4, 'x') + "\r\n");

// Feeds a byte at a time, as a tarpit sends it.
void FeedBytes(benchmark::State& state) {
  const absl::string_view stream = "550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown\r\n";
  ReplyParser parser;
  for (auto _ : state) {
    for (size_t i = 0; i < stream.size(); ++i) {
      absl::string_view piece = stream.substr(i, 1);
      benchmark::DoNotOptimize(parser.Feed(piece));
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * stream.size()));
}
BENCHMARK(FeedBytes);

void ToLine(benchmark::State& state) {
  const Reply reply = *Reply::Parse("550-5.1.1 The account does not exist. Please\n550 5.1.1 look for typing errors.");
  for (auto _ : state) benchmark::DoNotOptimize(reply.ToLine());
}
BENCHMARK(ToLine);

}  // namespace
}  // namespace verifyd
