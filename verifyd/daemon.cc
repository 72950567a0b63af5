#include "verifyd/daemon.h"

#include <ares.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/kept_file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/one_shot.h"
#include "base/privileges.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/timer.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/signal_set.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "cache/cache.h"
#include "dns/cares_resolver.h"
#include "probe/prober.h"
#include "probe/stock_source.h"
#include "stream/dialer.h"
#include "verifyd/api/room_metrics.h"
#include "verifyd/api/route.h"
#include "verifyd/api_supply.h"
#include "verifyd/configuration/last_good_settings.h"
#include "verifyd/configuration/routing.h"
#include "verifyd/configuration/settings_watch.h"
#include "verifyd/door/door_table.h"
#include "verifyd/door/exchange.h"
#include "verifyd/door/listener.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/http/control.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/metrics/registry.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/service_manager.h"
#include "verifyd/status.h"
#include "verifyd/table_watch.h"
#include "verifyd/thread_priority.h"
#include "verifyd/verifier/agenda.h"
#include "verifyd/verifier/route_change.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {
namespace {

// Requests under way when the daemon is told to end get this long; with what StopLog may take it is 10 s.
constexpr absl::Duration kDrainLimit = absl::Seconds(9);
// A client that waits for a probe is told by then that it is in progress.
constexpr absl::Duration kDrainPatience = absl::Seconds(8);

// Modes of the folders that are made for --user: nobody else has to do with the cache, the group may reach the control
// socket.
constexpr mode_t kStateMode = 0700;
constexpr mode_t kRuntimeMode = 0750;
// The answer to a reload gets so long to go out before the daemon begins anew.
constexpr absl::Duration kAnswerPause = absl::Milliseconds(100);
// Sockets that could not be had are tried again so often.
constexpr absl::Duration kSocketRetry = absl::Minutes(1);
// Tables may stand in settings (inline:), so this is large.
constexpr size_t kMaxRoutes = size_t{4} << 20;

// Raises it as far as we may: each session is a descriptor (probe_session_limit).
void RaiseDescriptorLimit() {
  rlimit descriptors = {};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == descriptors.rlim_max) return;
  descriptors.rlim_cur = descriptors.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &descriptors) != 0) LogWarning("the number of descriptors can not be raised");
}

void WarnOfRoot(bool logged_elsewhere) {
  const absl::string_view warning = "runs as root, which is not needed: say --user NAME, or User= in the unit";
  LogWarning(warning);
  if (logged_elsewhere && isatty(STDERR_FILENO) == 1) std::cerr << "verifyd: warning: " << warning << "\n";
}

// The cache's file is mapped into memory. A missing part can neither be read nor gone on without: the look-up is in the
// middle of LMDB. A kill without a word would leave the operator with a riddle.
void ExplainBusError(int /*number*/) {
  constexpr absl::string_view kWords =
      "verifyd: error: killed, because a part of its cache's file can not be read: the file was cut while it was open, "
      "or its disk fails. The next start sets a damaged file aside.\n";
  pollfd waiting = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&waiting, 1, 0) == 1) (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
  (void)::raise(SIGBUS);  // it has no handler any more
}

void ExplainBusErrors() {
  struct sigaction action = {};
  action.sa_handler = ExplainBusError;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGBUS, &action, nullptr);
}

// A prober loop, with its dialer.
struct Worker {
  std::unique_ptr<Loop> own;  // null: the front loop does it
  std::unique_ptr<Dialer> dialer;
  Loop& loop(Loop& front) const { return own == nullptr ? front : *own; }
};

// All loops but the front loop, each on a thread. They end when this does, also where one more thread can not be had.
class LoopThreads {
 public:
  LoopThreads() = default;
  ~LoopThreads() { End(); }
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;

  void Run(Loop& loop) {
    threads_.emplace_back(&loop, std::thread());
    threads_.back().second = std::thread([&loop] {
      GiveWay();
      loop.Run();
    });
  }
  void End() {
    for (auto& [loop, thread] : threads_) loop->Stop();
    for (auto& [loop, thread] : threads_) {
      if (thread.joinable()) thread.join();
    }
    threads_.clear();
  }

 private:
  std::vector<std::pair<Loop*, std::thread>> threads_;
};

// A socket that could not be had.
struct MissingSocket {
  ListenAddress address;
  std::string why;
};

// A door of the table.
struct Door {
  const DoorRow& row;
  std::vector<std::unique_ptr<Listener>> listeners = {};
  std::vector<std::string> sockets = {};  // their names
  std::vector<MissingSocket> missing = {};
  std::unique_ptr<Exchange> exchange = nullptr;  // once there are rooms to ask
};

// Returns the row that has the socket's name; else the first.
const DoorRow& RowFor(const InheritedSocket& socket) {
  const std::vector<DoorRow>& table = DoorTable();
  const auto row =
      std::find_if(table.begin(), table.end(), [&](const DoorRow& door) { return door.name == socket.name; });
  if (row != table.end()) return *row;
  std::vector<absl::string_view> known = {"control"};
  for (const DoorRow& door : table) known.push_back(door.name);
  LogWarning(absl::StrCat("inherited socket ", socket.fd, " is called \"", Printable(socket.name, 60),
                          "\" (FileDescriptorName=), expected one of ", absl::StrJoin(known, ", "),
                          ": it is served as ", table.front().name));
  return table.front();
}

std::string ListText(const std::vector<ListenAddress>& addresses) {
  return absl::StrJoin(addresses, " ",
                       [](std::string* out, const ListenAddress& address) { out->append(address.ToString()); });
}

// False while Postfix can not be asked, or the settings are a stopgap: the routes are not known then.
bool KnowsRoutes(const Configuration& configuration) {
  const Settings& settings = *configuration.settings;
  return configuration.stand_in != StandIn::kStopgap &&
         (settings.postfix() != nullptr || settings.postfix_error().empty());
}

std::string FolderOf(const std::string& file) { return std::filesystem::path(file).parent_path(); }

}  // namespace

struct Daemon::Impl {
  Impl(Configuration first, DaemonOptions given, std::string why)
      : configuration(std::make_shared<const Configuration>(std::move(first))),
        settings_at_start(configuration->settings),
        options(std::move(given)),
        workers(static_cast<size_t>(std::max(configuration->probe_threads, 1))),
        signals(front.context(), SIGTERM, SIGINT, SIGHUP),
        wrong_settings(std::move(why)) {
    if (configuration->probe_threads == 0) return;
    for (Worker& worker : workers) worker.own = std::make_unique<Loop>(Clock::Real());
  }

  absl::Status OpenSockets();
  absl::Status Adopt(const InheritedSocket& socket);
  absl::Status Listen(Door& door, const std::vector<ListenAddress>& addresses);
  void OpenMissing();
  absl::Status GiveUpPrivileges();
  absl::StatusOr<std::optional<UserIdentity>> WhomToBecome() const;
  void UsePrivacy(CacheSettings& cache_settings) const;
  absl::Status BuildRooms();
  void BuildDoors();
  void BuildApi();
  absl::Status OpenControlDoor();
  void WatchFiles();
  absl::StatusOr<Configuration> ReadSettings(std::shared_ptr<const PostfixSettings> postfix);
  void TakeTables(Configuration again);
  void NoteRestartNeeds(const Settings& settings);
  std::string RoutesFile() const;
  void HeedRoutesOfBefore(const absl::StatusOr<std::string>& routes);
  void KeepRoutes();
  void Use(Configuration loaded);
  void Configure();
  void AddMetrics();
  boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> Reload();
  absl::StatusOr<std::vector<std::string>> TakeSettings(absl::StatusOr<Configuration> loaded);
  void RefuseSettings(const absl::Status& why);
  void SayWrongSettings() const;
  void BeginAnew(Configuration loaded);
  void KeepSettings();
  DaemonStatus StatusNow() const;
  void SayStart() const;
  void SayReady(const Status& status) const;
  boost::asio::awaitable<void> ReloadForHangups();
  boost::asio::awaitable<void> WatchSignals();
  boost::asio::awaitable<void> Drain();
  boost::asio::awaitable<void> DrainForNext();
  boost::asio::awaitable<void> KickWatchdog(absl::Duration interval);

  std::shared_ptr<const Configuration> configuration;
  const std::shared_ptr<const Settings> settings_at_start;  // settings that need a restart are compared with them
  const DaemonOptions options;
  Loop front{Clock::Real()};
  Loop reader{Clock::Real()};  // settings and tables are read on it
  std::vector<Worker> workers;
  boost::asio::signal_set signals;
  bool draining = false;
  bool hung_up = false;    // SIGHUP came, and has not been heeded
  bool reloading = false;  // because of it

  // Why settings that stand in are in force, a line for each error; empty: none are.
  std::string wrong_settings;
  std::optional<Configuration> next;  // to begin anew with
  absl::Time started;
  absl::Time last_reload = absl::InfinitePast();
  std::string reload_error;
  std::vector<std::string> waits_for_restart;

  bool inherited_doors = false;
  std::optional<int> control_handed_over;  // the control socket of the service manager
  std::optional<int> inherited_control;    // a copy of it
  std::string no_control_socket;           // why there is none

  Metrics metrics;
  std::unique_ptr<CaresResolver> resolver;
  std::unique_ptr<Cache> cache;
  std::unique_ptr<Prober> prober;
  std::unique_ptr<StockSource> stock_source;
  std::unique_ptr<Verifier> verifier;
  std::unique_ptr<Agenda> agenda;
  std::unique_ptr<Restrictions> restrictions;
  std::unique_ptr<DecisionRecord> record;
  std::vector<Door> doors;        // in the order of the table
  std::optional<ApiContext> api;  // once there are rooms to ask
  std::unique_ptr<ControlDoor> control_door;
  std::unique_ptr<TableWatch> table_watch;        // on the reader loop
  std::unique_ptr<SettingsWatch> settings_watch;  // likewise
  Timer socket_retry{front.timers()};
};

Daemon::Daemon(Configuration configuration, DaemonOptions options, std::string wrong)
    : impl_(std::make_unique<Impl>(std::move(configuration), std::move(options), std::move(wrong))) {}

Daemon::~Daemon() = default;

absl::Status Daemon::Start() {
  // A client that hangs up is an error of a write, not the end of the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a file that may not grow.
  std::signal(SIGXFSZ, SIG_IGN);
  ExplainBusErrors();
  RaiseDescriptorLimit();
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) return absl::InternalError("c-ares can not be initialised");
  for (const std::string& warning : impl_->configuration->warnings) LogWarning(warning);
  impl_->started = impl_->front.clock().Now();
  RETURN_IF_ERROR(impl_->OpenSockets());
  RETURN_IF_ERROR(impl_->GiveUpPrivileges());
  return impl_->BuildRooms();
}

absl::Status Daemon::Impl::OpenSockets() {
  for (const DoorRow& row : DoorTable()) doors.push_back({row});
  for (const InheritedSocket& socket : options.inherited) RETURN_IF_ERROR(Adopt(socket));
  for (size_t i = 0; i < doors.size(); ++i) {
    const std::vector<ListenAddress>& addresses = configuration->doors[i].listen;
    if (doors[i].listeners.empty()) {
      RETURN_IF_ERROR(Listen(doors[i], addresses));
    } else if (!addresses.empty()) {
      LogInfo(absl::StrCat(doors[i].row.name, "_listen (", ListText(addresses),
                           ") is not served: the service manager has ", "given ",
                           absl::StrJoin(doors[i].sockets, " ")));
    }
  }
  return absl::OkStatus();
}

// Takes a copy: the socket itself is for the next daemon.
absl::Status Daemon::Impl::Adopt(const InheritedSocket& socket) {
  const bool is_control = socket.name == "control";
  if (is_control && control_handed_over.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("inherited socket ", socket.fd,
                                                   " is called \"control\", as inherited socket ", *control_handed_over,
                                                   " is; expected one of that name (FileDescriptorName=)"));
  }
  const int copy = fcntl(socket.fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return absl::UnavailableError(absl::StrCat("no descriptor for inherited socket ", socket.fd));
  if (is_control) {
    control_handed_over = socket.fd;
    inherited_control = copy;
    return absl::OkStatus();
  }
  Door& door = doors[static_cast<size_t>(&RowFor(socket) - DoorTable().data())];
  door.listeners.push_back(Listener::Adopt(front, copy));
  door.sockets.push_back(door.listeners.back()->name());
  inherited_doors = true;
  return absl::OkStatus();
}

absl::Status Daemon::Impl::Listen(Door& door, const std::vector<ListenAddress>& addresses) {
  for (const ListenAddress& address : addresses) {
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Open(front, address);
    if (listener.ok()) {
      door.sockets.push_back((*listener)->name());
      door.listeners.push_back(*std::move(listener));
      continue;
    }
    const std::string why = absl::StrCat(door.row.name, "_listen: ", listener.status().message());
    // Clients at the inherited sockets are not to wait because of this one.
    if (!inherited_doors) return absl::UnavailableError(why);
    LogError(absl::StrCat(why, "; it is tried again every minute"));
    door.missing.push_back({address, why});
    socket_retry.SetAfter(kSocketRetry, [this] { OpenMissing(); });
  }
  return absl::OkStatus();
}

void Daemon::Impl::OpenMissing() {
  if (draining) return;
  for (Door& door : doors) {
    std::vector<ListenAddress> addresses;
    for (const MissingSocket& missing : std::exchange(door.missing, {})) addresses.push_back(missing.address);
    Listen(door, addresses).IgnoreError();  // there are inherited ones
    for (std::unique_ptr<Listener>& listener : door.listeners) {
      LogInfo(absl::StrCat(door.row.name, ": ", listener->name(), " is served now"));
      door.exchange->Serve(std::move(listener));
    }
    door.listeners.clear();
  }
}

// Returns the user of --user. Root without it becomes the owner of the cache's folder: else the service could no longer
// use what a start by hand has left there.
absl::StatusOr<std::optional<UserIdentity>> Daemon::Impl::WhomToBecome() const {
  if (!options.user.empty()) return FindUser(options.user);
  if (geteuid() != 0) return std::nullopt;
  const std::string folder = FolderOf(configuration->cache.path);
  const std::optional<uid_t> owner = folder.empty() ? std::nullopt : OwnerBesidesRoot(folder);
  if (!owner.has_value()) {
    WarnOfRoot(configuration->log.to_syslog);
    return std::nullopt;
  }
  absl::StatusOr<UserIdentity> user = FindUser(*owner);
  if (!user.ok()) {
    LogWarning(absl::StrCat("runs as root, and what it makes in ", folder, " is root's: ", user.status().message()));
    return std::nullopt;
  }
  LogWarning(absl::StrCat("started as root: goes on as user ", user->name, ", who has ", folder, "; say --user NAME"));
  return *std::move(user);
}

absl::Status Daemon::Impl::GiveUpPrivileges() {
  ASSIGN_OR_RETURN(const std::optional<UserIdentity> user, WhomToBecome());
  if (!user.has_value()) return absl::OkStatus();
  for (const auto& [folder, mode] : {std::pair(FolderOf(configuration->cache.path), kStateMode),
                                     std::pair(FolderOf(configuration->control_socket), kRuntimeMode)}) {
    // Without the folder the cache is in memory, or there is no control socket.
    if (const absl::Status made = MakeDirectoryFor(folder, mode, *user); !made.ok()) LogError(made.message());
  }
  return BecomeUser(*user);
}

// Even without the key no address is kept or logged in clear.
void Daemon::Impl::UsePrivacy(CacheSettings& cache_settings) const {
  const Privacy& privacy = configuration->privacy;
  absl::StatusOr<std::shared_ptr<const Pseudonyms>> pseudonyms = OpenPseudonyms(privacy, /*make=*/true);
  FilterLog(privacy.logged_addresses, pseudonyms.ok() ? *pseudonyms : nullptr);
  if (!pseudonyms.ok()) LogError(pseudonyms.status().message());
  if (!privacy.cache_hashed) return;
  if (pseudonyms.ok()) {
    cache_settings.pseudonyms = *std::move(pseudonyms);
    return;
  }
  LogError("address_verify_cache_privacy = hashed, and there is no key: answers are kept in memory only");
  cache_settings.path.clear();
  cache_settings.pseudonyms = std::make_shared<const Pseudonyms>(Pseudonyms::OfThisRun());
}

absl::Status Daemon::Impl::BuildRooms() {
  ASSIGN_OR_RETURN(resolver, CaresResolver::Create(front, configuration->resolver));
  std::vector<Prober::Shard> shards;
  for (Worker& worker : workers) {
    worker.dialer = MakeSocketDialer(worker.loop(front), configuration->trust_anchors);
    shards.push_back({worker.loop(front), *worker.dialer});
  }
  CacheSettings cache_settings = configuration->cache;
  UsePrivacy(cache_settings);
  cache_settings.checker = {"/proc/self/exe", "--check-cache"};
  cache = Cache::Open(front, cache_settings);
  cache->FoldPins(front.clock().Now());
  cache->MoveDomainBreakers();
  cache->HideAddresses();
  prober = std::make_unique<Prober>(front, *resolver, shards);
  stock_source = std::make_unique<StockSource>(front, prober->alarms());
  verifier = std::make_unique<Verifier>(front, *cache, std::vector<Source*>{prober.get(), stock_source.get()}, metrics);
  restrictions = std::make_unique<Restrictions>(*verifier, *resolver);
  record = std::make_unique<DecisionRecord>(front, *cache);
  BuildDoors();
  AddMetrics();
  BuildApi();
  Configure();
  RememberDestinations(*cache, *prober);
  HeedRoutesOfBefore(ReadInputFile(RoutesFile(), kMaxRoutes));
  agenda = std::make_unique<Agenda>(front, *cache, *verifier);
  RETURN_IF_ERROR(OpenControlDoor());
  WatchFiles();
  for (Door& door : doors) {
    for (std::unique_ptr<Listener>& listener : door.listeners) door.exchange->Serve(std::move(listener));
    door.listeners.clear();
  }
  return absl::OkStatus();
}

void Daemon::Impl::BuildDoors() {
  for (Door& door : doors) {
    const DoorRooms rooms{.restrictions = *restrictions,
                          .verifier = *verifier,
                          .resolver = *resolver,
                          .record = *record,
                          .metrics = metrics,
                          .timers = front.timers()};
    door.exchange = std::make_unique<Exchange>(front, metrics, door.row.make(rooms));
  }
}

// Adds the numbers that the metrics do not count themselves; all of it lives as long as the control door, which shows
// it.
void Daemon::Impl::AddMetrics() {
  MetricRegistry& registry = metrics.registry();
  AddCacheMetrics(registry, *cache);
  AddProberMetrics(registry, *prober);
  AddVerifierMetrics(registry, *verifier);
  const auto add = [&registry](MetricKind kind, MetricName name, std::function<size_t()> read) {
    name.group = "daemon";
    registry.AddRead(kind, name, [read = std::move(read)] { return static_cast<double>(read()); });
  };
  add(MetricKind::kGauge,
      {.family = "verifyd_agenda_probes", .help = "Probes that nobody asked for now", .stat = "agenda_probes_now"},
      [this] { return agenda == nullptr ? 0 : agenda->probing(); });
  add(MetricKind::kCounter,
      {.family = "verifyd_log_lines_dropped_total", .help = "Lines that the log lost", .stat = "log_lines_dropped"},
      [] { return LogLinesDropped(); });
  for (const Door& door : doors) {
    add(MetricKind::kGauge,
        {.family = "verifyd_door_connections_open",
         .help = "Connections that are open, by door",
         .labels = {{"door", std::string(door.row.name)}},
         .stat = absl::StrCat(door.row.name, "_connections_now")},
        [&exchange = *door.exchange] { return exchange.connections(); });
  }
}

void Daemon::Impl::BuildApi() {
  api.emplace(ApiContext{
      .memory = {.loop = front,
                 .cache = *cache,
                 .metrics = metrics.registry(),
                 .recall = [this](const Question& question) { return verifier->Recall(question).value_or(Verdict()); }},
      .daemon = ApiDaemon{
          .verifier = *verifier,
          .prober = *prober,
          .metrics = metrics,
          .restrictions = *restrictions,
          .record = *record,
          .reload = [this] { return Reload(); },
          .config = [this] { return ConfigAnswer(*configuration); },
          .status = [this] { return StatusAnswer(StatusNow(), *configuration, *cache, front.clock().Now()); }}});
}

absl::Status Daemon::Impl::OpenControlDoor() {
  control_door = std::make_unique<ControlDoor>(front, *api);
  if (inherited_control.has_value()) {
    control_door->Adopt(*inherited_control);
  } else if (!configuration->control_socket.empty()) {
    absl::Status listens = control_door->Listen(configuration->control_socket);
    if (!listens.ok() && !inherited_doors) return listens;
    no_control_socket = std::string(listens.message());
    if (!listens.ok()) LogError(absl::StrCat("control_socket: ", no_control_socket));
  }
  return absl::OkStatus();
}

void Daemon::Impl::WatchFiles() {
  table_watch = std::make_unique<TableWatch>(reader, [this](Configuration again) {
    front.Post([this, again = std::move(again)]() mutable { TakeTables(std::move(again)); });
  });
  table_watch->Watch(*configuration);
  settings_watch = std::make_unique<SettingsWatch>(
      reader, options.settings_file, [this] { return ReadSettings(table_watch->postfix()); },
      [this](absl::StatusOr<Configuration> loaded) {
        front.Post(
            [this, loaded = std::move(loaded)]() mutable { TakeSettings(std::move(loaded)).status().IgnoreError(); });
      });
}

void Daemon::Impl::Configure() {
  cache->Configure(configuration->cache);
  prober->Configure(configuration->probe, configuration->classifier);
  stock_source->Configure(configuration->classifier);
  verifier->Configure(configuration->verifier);
  restrictions->Configure(configuration->restrictions);
  record->Configure(configuration->decision_record);
  api->memory.settings = ApiSettingsOf(*configuration);
  for (size_t i = 0; i < doors.size(); ++i) {
    doors[i].exchange->protocol().Configure(configuration->door_settings);
    doors[i].exchange->Configure(configuration->doors[i].limits);
  }
}

void Daemon::Impl::Use(Configuration loaded) {
  const auto before = std::exchange(configuration, std::make_shared<const Configuration>(std::move(loaded)));
  Configure();
  if (KnowsRoutes(*before)) {
    verifier->TakeIn(RouteChange::Between(RoutingOf(*before), RoutingOf(*configuration), front.clock().Now()));
  } else {
    reader.Post([this, file = RoutesFile()] {
      front.Post([this, routes = ReadInputFile(file, kMaxRoutes)] { HeedRoutesOfBefore(routes); });
    });
  }
  KeepRoutes();
}

// Keeps the routes for the next run, which may have others. They lie beside the cache, whose answers depend on them.
void Daemon::Impl::KeepRoutes() {
  const std::string file = RoutesFile();
  if (file.empty() || !KnowsRoutes(*configuration)) return;
  reader.Post([file, routes = RoutingOf(*configuration)->text] {
    if (ReadInputFile(file, kMaxRoutes).value_or("") == routes) return;
    const absl::Status kept = KeepFile(file, routes);
    if (!kept.ok()) LogWarning(absl::StrCat("a start with other routes will not be noticed: ", kept.message()));
  });
}

std::string Daemon::Impl::RoutesFile() const {
  const std::string& cache_file = configuration->cache.path;
  return cache_file.empty() ? "" : absl::StrCat(cache_file, ".routes");
}

// `routes` is what KeepRoutes has kept. An error: nothing is known of an earlier run.
void Daemon::Impl::HeedRoutesOfBefore(const absl::StatusOr<std::string>& routes) {
  if (!routes.ok() || !KnowsRoutes(*configuration)) return;
  verifier->TakeIn(RouteChange::SinceEarlierRun(*routes, RoutingOf(*configuration), front.clock().Now()));
}

// Runs on the reader loop.
absl::StatusOr<Configuration> Daemon::Impl::ReadSettings(std::shared_ptr<const PostfixSettings> postfix) {
  absl::StatusOr<Configuration> loaded =
      Configuration::Load(options.settings_file, options.assignments, {.before = std::move(postfix)});
  // Watch the new settings here, not when they are in force: else the watch could read tables with the earlier ones
  // again.
  if (loaded.ok()) table_watch->Watch(*loaded);
  return loaded;
}

// The tables come with what is new in Postfix's main.cf.
void Daemon::Impl::TakeTables(Configuration again) {
  if (draining) return;
  NoteRestartNeeds(*again.settings);
  Use(std::move(again));
}

void Daemon::Impl::NoteRestartNeeds(const Settings& settings) {
  std::vector<std::string> later = ChangedButNotReloadable(*settings_at_start, settings);
  if (!later.empty() && later != waits_for_restart) {
    LogWarning(absl::StrCat("reload: ", absl::StrJoin(later, ", "), later.size() == 1 ? " takes" : " take",
                            " effect after a restart only"));
  }
  waits_for_restart = std::move(later);
}

boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> Daemon::Impl::Reload() {
  const OneShot<absl::StatusOr<Configuration>> read(front);
  reader.Post([this, read] {
    front.Post([read, loaded = ReadSettings(table_watch->postfix())]() mutable { read.Set(std::move(loaded)); });
  });
  co_await read.Wait();
  co_return TakeSettings(std::move(*read));
}

absl::StatusOr<std::vector<std::string>> Daemon::Impl::TakeSettings(absl::StatusOr<Configuration> loaded) {
  // Another reload was faster, or the daemon ends.
  if (draining) return std::vector<std::string>();
  last_reload = front.clock().Now();
  if (!loaded.ok()) {
    RefuseSettings(loaded.status());
    return loaded.status();
  }
  reload_error.clear();
  NotifyReloading();
  const bool stood_in = !std::exchange(wrong_settings, "").empty();
  if (stood_in) reader.Post([this] { settings_watch->Stop(); });
  const bool fits = ChangedButNotReloadable(*settings_at_start, *loaded->settings).empty();
  if (stood_in && (configuration->stand_in == StandIn::kStopgap || !fits)) {
    BeginAnew(*std::move(loaded));
    return std::vector<std::string>();
  }
  NoteRestartNeeds(*loaded->settings);
  for (const std::string& warning : loaded->warnings) LogWarning(warning);
  Use(*std::move(loaded));
  LogInfo("reload: the new settings are in force");
  KeepSettings();
  SayReady(StatusOf(StatusNow(), *configuration, *cache, front.clock().Now()));
  return waits_for_restart;
}

void Daemon::Impl::RefuseSettings(const absl::Status& why) {
  if (!wrong_settings.empty()) {
    wrong_settings = std::string(why.message());
    SayReady(StatusOf(StatusNow(), *configuration, *cache, front.clock().Now()));
    SayWrongSettings();
    return;
  }
  reload_error = std::string(why.message());
  for (const absl::string_view line : absl::StrSplit(reload_error, '\n', absl::SkipEmpty())) {
    LogError(absl::StrCat("reload: ", line, "; the settings of before stay in force"));
  }
}

// Says so every minute, because mail depends on it and nobody may have seen the line of the start.
void Daemon::Impl::SayWrongSettings() const {
  for (const absl::string_view line : absl::StrSplit(wrong_settings, '\n', absl::SkipEmpty())) {
    LogError(absl::StrCat("settings can not be used: ", line));
  }
  const std::string cure = absl::StrCat("mend ", options.settings_file,
                                        " (verifyd --check says when it is right); it is read again by itself");
  if (configuration->stand_in == StandIn::kLastGood) {
    LogError(absl::StrCat("the settings that were in force before are used instead: ", cure));
  } else {
    LogError(absl::StrCat(
        "ALARM: NOTHING IS VERIFIED, and there are no settings of before: every question is answered as ",
        "internal_error_action = ", configuration->settings->Text("internal_error_action"), " says: ", cure));
  }
}

void Daemon::Impl::BeginAnew(Configuration loaded) {
  LogInfo("the settings are right again: beginning anew with them");
  next = std::move(loaded);
  draining = true;
  front.Spawn(DrainForNext());
}

// Gives the answer to the reload time to go out first.
boost::asio::awaitable<void> Daemon::Impl::DrainForNext() {
  co_await front.Sleep(kAnswerPause);
  co_await Drain();
}

// Keeps the settings for a start whose own can not be used. Without a service manager there is no such start.
void Daemon::Impl::KeepSettings() {
  if (!HasServiceManager() && options.inherited.empty()) return;
  reader.Post([settings = configuration->settings, file = options.settings_file] {
    const absl::Status kept = KeepLastGoodSettings(*settings, file);
    if (!kept.ok()) LogWarning(absl::StrCat("the settings in force can not be kept for a bad day: ", kept.message()));
  });
}

DaemonStatus Daemon::Impl::StatusNow() const {
  DaemonStatus status{.version = options.version,
                      .started = started,
                      .settings_file = options.settings_file,
                      .wrong_settings = wrong_settings,
                      .last_reload = last_reload,
                      .reload_error = reload_error,
                      .waits_for_restart = waits_for_restart,
                      .alarms = prober->StandingAlarms(),
                      .log_lines_dropped = LogLinesDropped()};
  for (const Door& door : doors) {
    if (door.sockets.empty() && door.missing.empty()) continue;
    DoorStatus& shown = status.doors.emplace_back();
    shown.name = std::string(door.row.name);
    shown.sockets = door.sockets;
    for (const MissingSocket& missing : door.missing) shown.missing.push_back(missing.why);
    shown.connections = door.exchange->connections();
  }
  if (!no_control_socket.empty()) status.doors.push_back({.name = "control", .missing = {no_control_socket}});
  return status;
}

void Daemon::Impl::SayStart() const {
  const Status status = StatusOf(StatusNow(), *configuration, *cache, front.clock().Now());
  LogInfo(StartLine(status));
  if (status.dry_run) LogInfo("dry run: nothing is refused, and what would have been is logged (dry_run = yes)");
  SayReady(status);
  if (!wrong_settings.empty()) SayWrongSettings();
}

void Daemon::Impl::SayReady(const Status& status) const {
  NotifyServiceManager(absl::StrCat("READY=1\nSTATUS=", StatusSummary(status, Judge(status))));
}

boost::asio::awaitable<void> Daemon::Impl::ReloadForHangups() {
  // However many come while the file is being read, it is read once more for all of them.
  while (std::exchange(hung_up, false)) (co_await Reload()).status().IgnoreError();  // logged there
  reloading = false;
}

boost::asio::awaitable<void> Daemon::Impl::WatchSignals() {
  for (;;) {
    const auto [error, number] = co_await signals.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) co_return;
    if (number == SIGHUP) {
      hung_up = true;
      if (!std::exchange(reloading, true)) front.Spawn(ReloadForHangups());
    } else if (next.has_value()) {
      next.reset();
      LogInfo("told to end: answering what is under way");
      NotifyServiceManager("STOPPING=1");
    } else if (std::exchange(draining, true)) {
      front.Stop();
      co_return;
    } else {
      LogInfo("told to end: answering what is under way");
      NotifyServiceManager("STOPPING=1");
      front.Spawn(Drain());
    }
  }
}

boost::asio::awaitable<void> Daemon::Impl::Drain() {
  const MonoTime deadline = front.clock().Mono() + kDrainLimit;
  Timer end_of_patience(front.timers());
  end_of_patience.SetAfter(kDrainPatience, [this] { verifier->EndWaits(); });
  for (Door& door : doors) door.exchange->BeginDrain();
  for (Door& door : doors) co_await door.exchange->Drained(deadline);
  control_door->Close();
  agenda.reset();
  co_await prober->Drain(deadline);
  front.Stop();
}

boost::asio::awaitable<void> Daemon::Impl::KickWatchdog(absl::Duration interval) {
  for (;;) {
    NotifyServiceManager("WATCHDOG=1");
    co_await front.Sleep(interval);
  }
}

std::optional<Configuration> Daemon::Run() {
  Impl& impl = *impl_;
  LoopThreads threads;
  threads.Run(impl.reader);
  for (Worker& worker : impl.workers) {
    if (worker.own != nullptr) threads.Run(*worker.own);
  }
  impl.front.Spawn(impl.WatchSignals());
  if (const absl::Duration interval = WatchdogInterval(); interval != absl::InfiniteDuration()) {
    impl.front.Spawn(impl.KickWatchdog(interval));
  }
  impl.SayStart();
  LogInfo("ready");
  if (impl.wrong_settings.empty()) {
    impl.KeepSettings();
    impl.KeepRoutes();
  } else {
    impl.reader.Post([&impl] { impl.settings_watch->Start(); });
  }
  impl.front.Run();
  threads.End();
  // A signal that came meanwhile ends it for good.
  if (impl.next.has_value()) impl.front.Poll();
  if (!impl.next.has_value()) LogInfo("ended");
  return std::move(impl.next);
}

}  // namespace verifyd
