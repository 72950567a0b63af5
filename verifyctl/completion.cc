#include "verifyctl/completion.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "verifyctl/option_words.h"

namespace verifyd {
namespace {

// "verifyctl" is the only program: its name stands in the texts.
constexpr absl::string_view kBash = R"(# verifyctl(1) in bash: what `verifyctl completion bash` prints.
_verifyctl() {
  local i verb= words before=${COMP_WORDS[COMP_CWORD - 1]} begun=${COMP_WORDS[COMP_CWORD]}
  # "=" is a word of its own.
  if [ "$begun" = = ]; then
    begun=
  elif [ "$before" = = ] && ((COMP_CWORD > 1)); then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      -c | -s) ((++i)) ;;
      -*) ;;
      *) verb=${COMP_WORDS[i]} && break ;;
    esac
  done
  case $verb:$before in
    *:-c | *:-s) ;;
$VALUES    *)
      case $verb in
$CASES      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$begun"))
}
complete -o default -F _verifyctl verifyctl
)";

constexpr absl::string_view kZsh = R"(#compdef verifyctl
# verifyctl(1) in zsh: what `verifyctl completion zsh` prints.
_verifyctl() {
  local context state state_descr line
  typeset -A opt_args
  local -a verbs=(
$VERBS  )
  _arguments -C $GLOBAL '1:verb:->verb' '*::argument:->rest'
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $words[1] in
$CASES      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _verifyctl ]; then _verifyctl "$@"; else compdef _verifyctl verifyctl; fi
)";

constexpr absl::string_view kFish = R"(# verifyctl(1) in fish: what `verifyctl completion fish` prints.
complete -c verifyctl -f
)";

std::vector<const CLI::App*> Verbs(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* /*verb*/) { return true; });
}

std::vector<const CLI::Option*> Options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

std::vector<const CLI::Option*> Arguments(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

// Returns names like "-c", "--json".
std::vector<std::string> Names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back(absl::StrCat("-", name));
  for (const std::string& name : option.get_lnames()) names.push_back(absl::StrCat("--", name));
  return names;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// Returns the words that an option or argument takes; none for a file, or any text.
std::vector<std::string> WordsFor(const CLI::App& app, const CLI::Option& option) {
  const std::string name = option.get_positional() ? option.get_name(true) : Names(option).back();
  if (name != "VERB") return WordsOf(name);
  std::vector<std::string> verbs;
  for (const CLI::App* verb : Verbs(app)) verbs.push_back(verb->get_name());
  return verbs;
}

bool TakesFile(const CLI::Option& option) {
  const std::string type = option.get_positional() ? option.get_name(true) : option.get_type_name();
  return type == "FILE" || type == "MAIL_LOG" || type == "SOCKET";
}

std::string Bash(const CLI::App& app) {
  const auto option_words = [](const CLI::App& of) {
    std::vector<std::string> words;
    for (const CLI::Option* option : Options(of)) {
      for (std::string& name : Names(*option)) words.push_back(std::move(name));
    }
    return words;
  };
  const std::string global = absl::StrJoin(option_words(app), " ");
  std::vector<std::string> first;
  std::string values;
  std::string cases;
  for (const CLI::App* verb : Verbs(app)) {
    first.push_back(verb->get_name());
    for (const CLI::Option* option : Options(*verb)) {
      if (!TakesValue(*option)) continue;
      for (const std::string& name : Names(*option)) {
        absl::StrAppend(&values, "    ", verb->get_name(), ":", name, ") words='",
                        absl::StrJoin(WordsFor(app, *option), " "), "' ;;\n");
      }
    }
    std::vector<std::string> words;
    for (const CLI::Option* argument : Arguments(*verb)) {
      for (std::string& word : WordsFor(app, *argument)) words.push_back(std::move(word));
    }
    // The options of all verbs follow.
    for (std::string& name : option_words(*verb)) {
      if (!absl::c_linear_search(option_words(app), name)) words.push_back(std::move(name));
    }
    absl::StrAppend(&cases, "        ", verb->get_name(), ") words='", absl::StrJoin(words, " "), " ", global,
                    "' ;;\n");
  }
  absl::StrAppend(&cases, "        '') words='", absl::StrJoin(first, " "), " ", global, "' ;;\n");
  return absl::StrReplaceAll(kBash, {{"$CASES", cases}, {"$VALUES", values}});
}

// Returns what _arguments does where a value stands; a blank: nothing.
std::string ZshAction(const CLI::App& app, const CLI::Option& option) {
  const std::vector<std::string> words = WordsFor(app, option);
  if (!words.empty()) return absl::StrCat("(", absl::StrJoin(words, " "), ")");
  return TakesFile(option) ? "_files" : " ";
}

// Returns the spec of an option for _arguments: its names exclude each other.
std::string ZshSpec(const CLI::App& app, const CLI::Option& option) {
  const std::vector<std::string> names = Names(option);
  const std::string help = absl::StrReplaceAll(option.get_description(), {{"[", "("}, {"]", ")"}, {":", ";"}});
  const std::string value =
      TakesValue(option) ? absl::StrCat(":", option.get_type_name(), ":", ZshAction(app, option)) : std::string();
  std::vector<std::string> specs;
  specs.reserve(names.size());
  for (const std::string& name : names) {
    specs.push_back(Quoted(absl::StrCat("(", absl::StrJoin(names, " "), ")", name, "[", help, "]", value)));
  }
  return absl::StrJoin(specs, " ");
}

// Returns the specs of the options of all verbs, or of the options and arguments of one.
std::string ZshSpecs(const CLI::App& app, const CLI::App& of) {
  std::vector<std::string> specs;
  for (const CLI::Option* option : Options(of)) specs.push_back(ZshSpec(app, *option));
  int place = 0;
  for (const CLI::Option* argument : Arguments(of)) {
    const bool many = argument->get_items_expected_max() > 1;
    specs.push_back(Quoted(absl::StrCat(many ? "*" : absl::StrCat(++place), ":", argument->get_name(true), ":",
                                        ZshAction(app, *argument))));
  }
  return absl::StrJoin(specs, " ");
}

std::string Zsh(const CLI::App& app) {
  std::string verbs;
  std::string cases;
  for (const CLI::App* verb : Verbs(app)) {
    const std::string help = absl::StrReplaceAll(verb->get_description(), {{":", "\\:"}});
    absl::StrAppend(&verbs, "    ", Quoted(absl::StrCat(verb->get_name(), ":", help)), "\n");
    absl::StrAppend(&cases, "        ", verb->get_name(), ") _arguments ", ZshSpecs(app, *verb), " ",
                    ZshSpecs(app, app), " ;;\n");
  }
  return absl::StrReplaceAll(kZsh, {{"$VERBS", verbs}, {"$GLOBAL", ZshSpecs(app, app)}, {"$CASES", cases}});
}

std::string FishOptions(const CLI::App& app, const CLI::App& of, absl::string_view condition) {
  std::string out;
  for (const CLI::Option* option : Options(of)) {
    absl::StrAppend(&out, "complete -c verifyctl", condition);
    for (const std::string& name : option->get_snames()) absl::StrAppend(&out, " -s ", name);
    for (const std::string& name : option->get_lnames()) absl::StrAppend(&out, " -l ", name);
    const std::vector<std::string> words = WordsFor(app, *option);
    absl::StrAppend(&out,
                    !TakesValue(*option) ? ""
                    : TakesFile(*option) ? " -r -F"
                                         : " -x",
                    words.empty() ? "" : absl::StrCat(" -a ", Quoted(absl::StrJoin(words, " "))), " -d ",
                    Quoted(option->get_description()), "\n");
  }
  for (const CLI::Option* argument : Arguments(of)) {
    const std::vector<std::string> words = WordsFor(app, *argument);
    if (TakesFile(*argument)) {
      absl::StrAppend(&out, "complete -c verifyctl", condition, " -F\n");
    } else if (!words.empty()) {
      absl::StrAppend(&out, "complete -c verifyctl", condition, " -a ", Quoted(absl::StrJoin(words, " ")), "\n");
    }
  }
  return out;
}

std::string Fish(const CLI::App& app) {
  std::string out = absl::StrCat(kFish, FishOptions(app, app, ""));
  for (const CLI::App* verb : Verbs(app)) {
    absl::StrAppend(&out, "complete -c verifyctl -f -n __fish_use_subcommand -a ", verb->get_name(), " -d ",
                    Quoted(verb->get_description()), "\n");
    absl::StrAppend(&out,
                    FishOptions(app, *verb, absl::StrCat(" -n '__fish_seen_subcommand_from ", verb->get_name(), "'")));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> CompletionFor(absl::string_view shell, const CLI::App& app) {
  if (shell == "bash") return Bash(app);
  if (shell == "zsh") return Zsh(app);
  if (shell == "fish") return Fish(app);
  return absl::InvalidArgumentError(absl::StrCat("\"", shell, "\": expected bash, zsh or fish"));
}

}  // namespace verifyd
