#include "verifyctl/cache_asker.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/input_file.h"
#include "base/status_macros.h"
#include "cache/open_mark.h"
#include "mail/question.h"
#include "verifyd/verifier/memory.h"

namespace verifyd {
namespace {

constexpr absl::Duration kPause = absl::Microseconds(200);

}  // namespace

struct CacheAsker::Impl {
  Impl(const Configuration& configuration, const CacheSettings& cache_settings)
      : file(absl::StrCat(cache_settings.path, ".mdb")),
        loop(Clock::Real()),
        cache(Cache::Open(loop, cache_settings)),
        memory(loop.clock(), *cache),
        context{.memory = {.loop = loop,
                           .cache = *cache,
                           .recall = [this](const Question& question) { return memory.Recall(question); },
                           .settings = {.lifetimes = configuration.cache.lifetimes}}} {
    memory.Configure(configuration.verifier);
  }

  boost::asio::awaitable<void> TakeAll(LineSource next_lines, LineSink sink) {
    for (;;) {
      const std::optional<std::string> lines = co_await next_lines();
      if (!lines.has_value()) break;
      sink(absl::StrSplit(absl::StripSuffix(*lines, "\n"), '\n'));
    }
    done = true;
  }

  boost::asio::awaitable<void> TakeLater(std::function<boost::asio::awaitable<ApiReply>()> later, ApiReply& reply) {
    reply = co_await later();
    done = true;
  }

  void Run() {
    while (!done) {
      // Only the disk is waited for then.
      if (loop.Poll() == 0) absl::SleepFor(kPause);
    }
  }

  const std::string file;
  bool done = false;  // the answer is taken whole
  Loop loop;
  std::unique_ptr<Cache> cache;
  Memory memory;
  ApiContext context;
};

absl::Status CheckCacheFile(const std::string& file) {
  const absl::Status readable = CheckInputFile(file);
  return absl::IsNotFound(readable) ? absl::NotFoundError(absl::StrCat("there is no cache ", file)) : readable;
}

absl::StatusOr<std::unique_ptr<CacheAsker>> CacheAsker::Open(const Configuration& configuration) {
  if (configuration.cache.path.empty()) return absl::NotFoundError("there is no cache: address_verify_map is empty");
  const std::string file = absl::StrCat(configuration.cache.path, ".mdb");
  RETURN_IF_ERROR(CheckCacheFile(file));
  if (access(file.c_str(), W_OK) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(file, ": ", std::strerror(errno)));
  }
  CacheSettings settings = configuration.cache;
  settings.cleanup_interval = absl::ZeroDuration();
  if (configuration.privacy.cache_hashed) {
    ASSIGN_OR_RETURN(settings.pseudonyms, OpenPseudonyms(configuration.privacy, /*make=*/false));
  }
  auto impl = std::make_unique<Impl>(configuration, settings);
  if (!impl->cache->counts().persistent) {
    return absl::UnavailableError(absl::StrCat("the cache ", file, " can not be used"));
  }
  return std::unique_ptr<CacheAsker>(new CacheAsker(std::move(impl)));
}

CacheAsker::CacheAsker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CacheAsker::~CacheAsker() { impl_->cache->Flush(); }

absl::StatusOr<int> CacheAsker::Ask(const ApiRequest& request, LineSink sink) {
  impl_->loop.Poll();  // takes in what has been written since
  ApiRequest asked = request;
  // A user who may open the file may change it, but not while another process has it open: that one may hold changes
  // that it has not written yet.
  const int holder = OpenMark::Holder(impl_->file);
  asked.right = holder == 0 ? ApiRight::kChange : ApiRight::kRead;
  ApiReply reply = HandleApiRequest(impl_->context, asked);
  if (reply.status == 403) {
    reply = ApiError(503, absl::StrCat(impl_->file, " is not changed: process ", holder, " has it open"));
  }
  if (reply.later) {
    impl_->done = false;
    impl_->loop.Spawn(impl_->TakeLater(std::exchange(reply.later, nullptr), reply));
    impl_->Run();
  }
  if (!reply.lines) {
    sink({reply.body});
    return reply.status;
  }
  impl_->done = false;
  impl_->loop.Spawn(impl_->TakeAll(std::move(reply.lines), sink));
  impl_->Run();
  return reply.status;
}

}  // namespace verifyd
