#include "verifyctl/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/nearest_name.h"
#include "base/text.h"
#include "verifyctl/address_verbs.h"
#include "verifyctl/asker.h"
#include "verifyctl/cache_verbs.h"
#include "verifyctl/classify_verb.h"
#include "verifyctl/completion.h"
#include "verifyctl/config_verb.h"
#include "verifyctl/daemon_verbs.h"
#include "verifyctl/destination_verbs.h"
#include "verifyctl/doctor_verb.h"
#include "verifyctl/domain_verbs.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/import_verb.h"
#include "verifyctl/learn_verb.h"
#include "verifyctl/option_words.h"
#include "verifyctl/pin_verbs.h"
#include "verifyctl/place.h"
#include "verifyctl/report_verbs.h"
#include "verifyctl/status_verb.h"
#include "verifyctl/store_verbs.h"
#include "verifyd/api/api_arguments.h"
#include "verifyd/history/tally.h"

namespace verifyd {
namespace {

constexpr size_t kShownVerb = 40;

bool AnyVerb(const CLI::App* /*verb*/) { return true; }

// A result is worth nothing where it could not be written.
int Written(int code, Console& console) {
  console.out.flush();
  if (console.out || code == kExitOutput) return code;
  console.err << "verifyctl: the output can not be written\n";
  return kExitOutput;
}

// The parsed command line; a verb's callback picks what to run.
struct CommandLine {
  Place place;
  bool json = false;
  AddressOptions addresses;
  ClassifyOptions classify;
  ConfigOptions config;
  PinOptions pin;
  DestinationOptions destination;
  DoctorOptions doctor;
  ReportOptions report;
  CacheOptions cache;
  ImportOptions import_options;
  LearnOptions learn;
  StoreOptions store;
  StatsOptions stats;
  std::string shell;
  std::string verb;  // for help
  std::function<int(Console&)> run;
};

void AddGlobalOptions(CLI::App& app, CommandLine& line) {
  app.add_option("-c", line.place.settings_file, "Settings file; default " + std::string(kDefaultSettingsFile))
      ->type_name("FILE");
  app.add_option("-s", line.place.socket, "Control socket of the daemon; default: what the settings say")
      ->type_name("SOCKET");
  app.add_flag("--json", line.json, "JSON, one object a line");
  app.set_version_flag("--version", "verifyctl " VERIFYD_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
}

using AskerMaker = std::unique_ptr<Asker> (*)(const Place&, Console&);

// Adds a verb of the api. Its asker is made when it runs.
template <typename Options>
CLI::App* AddVerb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& documentation,
                  Options CommandLine::*options, int (*verb)(const Options&, Asker&, Console&), AskerMaker asker_at) {
  CLI::App* sub = app.add_subcommand(name, documentation);
  sub->callback([&line, options, verb, asker_at] {
    line.run = [&line, options, verb, asker_at](Console& console) {
      const std::unique_ptr<Asker> asker = asker_at(line.place, console);
      (line.*options).json = line.json;
      return verb(line.*options, *asker, console);
    };
  });
  return sub;
}

// Adds a verb that has no options.
void AddVerb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& documentation,
             int (*verb)(bool, Asker&, Console&), AskerMaker asker_at) {
  app.add_subcommand(name, documentation)->callback([&line, verb, asker_at] {
    line.run = [&line, verb, asker_at](Console& console) {
      const std::unique_ptr<Asker> asker = asker_at(line.place, console);
      return verb(line.json, *asker, console);
    };
  });
}

CLI::App* AddAddressVerb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& documentation,
                         int (*verb)(const AddressOptions&, Asker&, Console&), AskerMaker asker_at) {
  CLI::App* sub = AddVerb(app, line, name, documentation, &CommandLine::addresses, verb, asker_at);
  sub->add_option("ADDRESS", line.addresses.addresses, "Addresses; - reads them from standard input, one a line")
      ->required();
  return sub;
}

void AddAddressVerbs(CLI::App& app, CommandLine& line) {
  CLI::App* verify =
      AddAddressVerb(app, line, "verify", "Verify addresses, from memory or by a probe", Verify, DaemonAt);
  verify->add_flag("--fresh", line.addresses.fresh, "Ask the server even though memory has an answer");
  verify->add_flag("--trace", line.addresses.trace, "Ask the server, and show the dialogue");
  verify->add_flag("--sender", line.addresses.sender, "They are senders, not recipients");
  verify
      ->add_option("--patience", line.addresses.patience,
                   "How long to wait for a probe; default: as long as it may take")
      ->check(ATime(ApiArguments::kMaxPatience))
      ->type_name("TIME");
  AddAddressVerb(app, line, "query", "What memory answers, without a probe", Query, DaemonOrCacheAt);
  AddAddressVerb(app, line, "show", "Everything that is held of an address, or of a refusal by its id", Show,
                 DaemonOrCacheAt);
  AddAddressVerb(app, line, "history", "The last findings about an address", History, DaemonOrCacheAt);
  AddAddressVerb(app, line, "delete", "Forget an address", Delete, DaemonOrCacheAt);
}

void AddTimes(CLI::App& sub, CommandLine& line) {
  sub.add_option("--for", line.pin.for_time, "How long it holds (7d); default: until it is ended")
      ->check(ATime())
      ->type_name("TIME");
  CLI::Option* why =
      sub.add_option("--why", line.pin.why, "A note for operators; clients are not told it")->type_name("TEXT");
  sub.add_flag("--tell", line.pin.tell, "Clients are told the note, too")->needs(why);
}

void AddPinVerbs(CLI::App& app, CommandLine& line) {
  CLI::App* set = AddVerb(app, line, "set", "Say what is held true of an address or a domain", &CommandLine::pin, Set,
                          DaemonOrCacheAt);
  set->add_option("TARGET", line.pin.target, "ADDRESS or @DOMAIN")->required();
  set->add_option("STATUS", line.pin.status, "deliverable or undeliverable")
      ->required()
      ->check(OneOfItsWords("STATUS"));
  AddTimes(*set, line);
  AddVerb(app, line, "unset", "Take that back", &CommandLine::pin, Unset, DaemonOrCacheAt)
      ->add_option("TARGET", line.pin.target, "ADDRESS or @DOMAIN")
      ->required();
  AddVerb(app, line, "pins", "What was set, and what is on hold", Pins, DaemonOrCacheAt);
  CLI::App* hold = AddVerb(app, line, "hold", "Ask nobody of a domain or at a destination, for now", &CommandLine::pin,
                           Hold, DaemonAt);
  hold->add_option("TARGET", line.pin.target, "@DOMAIN or DESTINATION")->required();
  AddTimes(*hold, line);
  AddVerb(app, line, "release", "End a hold", &CommandLine::pin, Release, DaemonAt)
      ->add_option("TARGET", line.pin.target, "@DOMAIN or DESTINATION")
      ->required();
}

void AddDestinationVerb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& documentation,
                        int (*verb)(const DestinationOptions&, Asker&, Console&), AskerMaker asker_at) {
  CLI::App* sub = AddVerb(app, line, name, documentation, &CommandLine::destination, verb, asker_at);
  CLI::Option* option = sub->add_option("DESTINATION", line.destination.name, "Its name, as `destinations` shows it");
  if (asker_at == DaemonAt) option->required();  // to change one
}

void AddDestinationVerbs(CLI::App& app, CommandLine& line) {
  AddDestinationVerb(app, line, "destinations", "What is remembered of destinations", ShowDestinations,
                     DaemonOrCacheAt);
  AddDestinationVerb(app, line, "reset", "Forget what speaks against a destination, and its pace", ResetDestination,
                     DaemonAt);
  AddDestinationVerb(app, line, "trust", "Believe a doubted destination again", TrustDestination, DaemonAt);
}

void AddStatsVerb(CLI::App& app, CommandLine& line) {
  CLI::App* stats = AddVerb(app, line, "stats", "Counters of the daemon", &CommandLine::stats, Stats, DaemonAt);
  stats->add_flag("--all", line.stats.all, "Every counter by its name");
  stats->add_option("--watch", line.stats.watch, "Again every so many seconds (1), until it is interrupted")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(1, 3600))
      ->type_name("SECONDS");
}

void AddReportVerbs(CLI::App& app, CommandLine& line) {
  AddVerb(app, line, "report", "What was refused or deferred, and what would have been", &CommandLine::report, Report,
          DaemonAt)
      ->add_option("--since", line.report.since, "How far back; default 24h")
      ->check(ATime())
      ->type_name("TIME");
  CLI::App* top = AddVerb(app, line, "top", "The addresses that were asked about most, and refused most",
                          &CommandLine::report, Top, DaemonAt);
  top->add_option("--since", line.report.since, "How far back; default 24h")->check(ATime())->type_name("TIME");
  top->add_option("-n", line.report.number, "How many of each; default 10")
      ->check(CLI::Range(1, static_cast<int>(Tally::kReported)))
      ->type_name("NUMBER");
  CLI::App* replay = AddVerb(app, line, "replay", "The same of the recipients in a Postfix mail log",
                             &CommandLine::report, ReplayLog, DaemonAt);
  replay->add_option("MAIL_LOG", line.report.mail_log, "The log; - is standard input")->required();
  replay->add_flag("--probe", line.report.probe, "Ask the servers about what memory does not know");
}

CLI::App* AddSelection(CLI::App* sub, CommandLine& line) {
  RecordSelection& selection = line.cache.selection;
  sub->add_option("--domain", selection.domain, "Only this domain; .example.com is what is below it")
      ->check(ADomain())
      ->type_name("DOMAIN");
  sub->add_option("--status", selection.status, "Only deliverable, undeliverable, risky or unknown")
      ->check(OneOfItsWords("--status"))
      ->type_name("STATUS");
  sub->add_option("--reason", selection.reason, "Only this reason (no_such_user)")
      ->check(OneOfItsWords("--reason"))
      ->type_name("REASON");
  sub->add_option("--mx", selection.mx, "Only what this MX host said; .example.com is any below it")->type_name("MX");
  sub->add_option("--older", selection.older, "Only what was confirmed at least so long ago (7d)")
      ->check(ATime())
      ->type_name("TIME");
  sub->add_option("--newer", selection.newer, "Only what was confirmed less than so long ago (1h)")
      ->check(ATime())
      ->type_name("TIME");
  return sub;
}

void AddCacheVerbs(CLI::App& app, CommandLine& line) {
  AddSelection(AddVerb(app, line, "list", "What is held of addresses, a line for each", &CommandLine::cache, List,
                       DaemonOrCacheAt),
               line);
  AddSelection(AddVerb(app, line, "purge", "Forget many addresses", &CommandLine::cache, Purge, DaemonOrCacheAt), line)
      ->add_flag("--dry-run", line.cache.dry_run, "Only say how many");
  AddVerb(app, line, "clean", "Remove what has expired, now", &CommandLine::cache, Clean, DaemonOrCacheAt);
  AddSelection(AddVerb(app, line, "export", "What is held of addresses, for import or other programs",
                       &CommandLine::cache, Export, DaemonOrCacheAt),
               line)
      ->add_option("--format", line.cache.format, "jsonl (default), csv, or postfix: what postmap reads")
      ->check(OneOfItsWords("--format"))
      ->type_name("FORMAT");
  CLI::App* sub = app.add_subcommand("import", "Take in what verifyd or verify(8) of Postfix has found out");
  sub->add_option("FILE", line.import_options.file,
                  "Its cache (lmdb), or what `export`, postmap -s or db_dump print; - is standard input")
      ->required();
  sub->callback([&line] {
    line.run = [&line](Console& console) {
      const std::unique_ptr<Asker> asker = DaemonOrCacheAt(line.place, console);
      line.import_options.json = line.json;
      return Import(line.import_options, line.place, *asker, console);
    };
  });
}

void AddLearnVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = AddVerb(app, line, "learn", "Take in what the deliveries in a Postfix mail log say of recipients",
                          &CommandLine::learn, Learn, DaemonAt);
  sub->add_option("MAIL_LOG", line.learn.mail_log, "The log; - or none is standard input");
  sub->add_flag("--follow", line.learn.follow, "Go on with what comes, also when the log is rotated");
  sub->add_flag("--dry-run", line.learn.dry_run, "Only say how many");
}

CLI::App* AddStoreVerb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& documentation,
                       int (*verb)(const StoreOptions&, const Place&, Console&)) {
  CLI::App* sub = app.add_subcommand(name, documentation);
  sub->callback([&line, verb] {
    line.run = [&line, verb](Console& console) {
      line.store.json = line.json;
      return verb(line.store, line.place, console);
    };
  });
  return sub;
}

void AddStoreVerbs(CLI::App& app, CommandLine& line) {
  AddStoreVerb(app, line, "check", "Read every entry of the cache, and say what is wrong", Check);
  AddStoreVerb(app, line, "backup", "Copy the cache as it stands, also of a running daemon", Backup)
      ->add_option("FILE", line.store.file, "A file that is not there yet")
      ->required();
  AddStoreVerb(app, line, "restore", "Put a backup in the place of the cache", Restore)
      ->add_option("FILE", line.store.file, "The backup")
      ->required();
  AddStoreVerb(app, line, "compact", "Write the cache anew, without what is free in it", Compact);
}

void AddConfigVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand("config", "Settings, as the file says them");
  sub->add_option("NAME", line.config.names, "Only these")->check(OneOfItsWords("NAME"));
  CLI::Option* defaults = sub->add_flag("-d", line.config.defaults, "The defaults");
  sub->add_flag("-n", line.config.set_only, "Only what the file sets")->excludes(defaults);
  sub->callback([&line] {
    line.run = [&line](Console& console) {
      line.config.json = line.json;
      return Config(line.config, line.place, console);
    };
  });
}

void AddDoctorVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand("doctor", "What makes others refuse us, and how to mend it");
  const auto add = [sub](const std::string& name, std::vector<std::string>& values, const std::string& documentation,
                         const std::string& type) {
    sub->add_option(name, values, documentation)->type_name(type)->allow_extra_args(false);
  };
  add("--address", line.doctor.addresses, "An address of ours as others see it; may be repeated", "ADDRESS");
  add("--dnsbl", line.doctor.blocklists, "A blocklist to ask instead of the usual ones; may be repeated", "ZONE");
  add("--reach", line.doctor.reach, "A domain whose server to try instead of some big ones; may be repeated", "DOMAIN");
  sub->callback([&line] {
    line.run = [&line](Console& console) {
      const std::unique_ptr<Asker> asker = DaemonAt(line.place, console);
      line.doctor.json = line.json;
      return RunDoctor(line.doctor, line.place, *asker, console);
    };
  });
}

void AddClassifyVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand("classify", "What replies mean: reads lines STAGE<TAB>REPLY[<TAB>MX]");
  sub->add_flag("--explain", line.classify.explain, "Which rules were tried, and why the one decided");
  sub->add_option("--recipient", line.classify.recipient,
                  "The address that was asked about, in quotes where it needs any")
      ->type_name("ADDRESS");
  sub->add_option("--rules", line.classify.rules, "Another rule file than the one compiled in")->type_name("FILE");
  sub->callback([&line] {
    line.run = [&line](Console& console) {
      line.classify.json = line.json;
      return Classify(line.classify, console);
    };
  });
}

void AddCompletionVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand("completion", "What a shell reads to complete these verbs and options");
  sub->add_option("SHELL", line.shell, "bash, zsh or fish")->required()->check(OneOfItsWords("SHELL"));
  sub->callback([&app, &line] {
    line.run = [&app, &line](Console& console) {
      const absl::StatusOr<std::string> text = CompletionFor(line.shell, app);
      if (!text.ok()) {
        console.err << "verifyctl: " << text.status().message() << "\n";
        return kExitUsage;
      }
      console.out << *text;
      return 0;
    };
  });
}

// Says that there is no verb of that name, and perhaps which one was meant.
std::string NoSuchVerb(const CLI::App& app, absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const CLI::App* verb : app.get_subcommands(AnyVerb)) names.emplace_back(verb->get_name());
  const absl::string_view meant = NearestName(name, names);
  return absl::StrCat(
      "no verb \"", Printable(name, kShownVerb), "\"",
      meant.empty() ? "; `verifyctl help` shows them" : absl::StrCat("; did you mean \"", meant, "\"?"));
}

const CLI::App* FindVerb(const CLI::App& app, absl::string_view name) {
  for (const CLI::App* verb : app.get_subcommands(AnyVerb)) {
    if (verb->get_name() == name) return verb;
  }
  return nullptr;
}

void AddHelpVerb(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand("help", "A summary, or how one verb is used");
  sub->add_option("VERB", line.verb, "One of the verbs");
  sub->callback([&app, &line] {
    line.run = [&app, &line](Console& console) {
      const CLI::App* const verb = line.verb.empty() ? &app : FindVerb(app, line.verb);
      if (verb == nullptr) {
        console.err << "verifyctl: " << NoSuchVerb(app, line.verb) << "\n";
        return kExitUsage;
      }
      // An App that has parsed a verb would show that verb's help instead.
      const std::string name = line.verb.empty() ? app.get_name() : absl::StrCat(app.get_name(), " ", line.verb);
      console.out << verb->get_formatter()->make_help(verb, name, CLI::AppFormatMode::Normal);
      return 0;
    };
  });
}

// Returns the first word that is neither an option of all verbs nor the value of one; empty: there is none.
absl::string_view VerbIn(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "-c" || arguments[i] == "-s") {
      ++i;
    } else if (!absl::StartsWith(arguments[i], "-")) {
      return arguments[i];
    }
  }
  return "";
}

// For a command line without a verb: returns the first unknown option; empty: there is none.
std::string UnknownOptionIn(const CLI::App& app, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    std::string name = argument.substr(0, argument.find('='));
    if (name.size() > 1 && absl::StartsWith(name, "-") && app.get_option_no_throw(name) == nullptr) return name;
  }
  return "";
}

int WrongUsage(const CLI::App& app, absl::string_view verb, const std::string& unknown_option,
               const CLI::ParseError& error, Console& console) {
  console.err << "verifyctl: ";
  if (verb.empty() && !unknown_option.empty()) {
    console.err << "found " << Printable(unknown_option, 80) << ", expected a verb; `verifyctl help` shows them\n";
  } else if (verb.empty()) {
    console.err << (error.get_name() == "RequiredError" ? "no verb was given" : error.what())
                << "; `verifyctl help` shows them\n";
  } else if (FindVerb(app, verb) == nullptr) {
    console.err << NoSuchVerb(app, verb) << "\n";
  } else {
    console.err << error.what() << "; see `verifyctl help " << verb << "`\n";
  }
  return kExitUsage;
}

}  // namespace

int RunVerifyctl(std::vector<std::string> arguments, Console& console) {
  CLI::App app("verifyctl: ask verifyd(8), look into its memory, correct it", "verifyctl");
  CommandLine line;
  AddGlobalOptions(app, line);
  AddAddressVerbs(app, line);
  AddPinVerbs(app, line);
  AddDestinationVerbs(app, line);
  AddVerb(app, line, "domains", "What is known of whole domains", Domains, DaemonAt);
  AddVerb(app, line, "status", "Whether all is well: 0, else 1 (warning) or 2 (critical), as monitoring wants it",
          ShowStatus, DaemonAt);
  AddStatsVerb(app, line);
  AddReportVerbs(app, line);
  AddCacheVerbs(app, line);
  AddLearnVerb(app, line);
  AddStoreVerbs(app, line);
  AddConfigVerb(app, line);
  AddDoctorVerb(app, line);
  AddClassifyVerb(app, line);
  AddVerb(app, line, "reload", "Make the daemon read its settings again", Reload, DaemonAt);
  AddCompletionVerb(app, line);
  AddHelpVerb(app, line);
  const std::string verb(VerbIn(arguments));
  const std::string unknown_option = verb.empty() ? UnknownOptionIn(app, arguments) : "";
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return WrongUsage(app, verb, unknown_option, error, console);
    app.exit(error, console.out, console.err);
    return Written(0, console);
  }
  const int code = line.run(console);
  return Written(code, console);
}

}  // namespace verifyd
