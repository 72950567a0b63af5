#include "verifyctl/completion.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace verifyd {
namespace {

// "verifyctl" is the only program: its name stands in the texts.
constexpr absl::string_view kBash = R"(# verifyctl(1) in bash: what `verifyctl completion bash` prints.
_verifyctl() {
  local i verb= words
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      -c | -s) ((++i)) ;;
      -*) ;;
      *) verb=${COMP_WORDS[i]} && break ;;
    esac
  done
  case $verb in
$CASES    *) words= ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
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
)";

std::vector<const CLI::App*> Verbs(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* /*verb*/) { return true; });
}

std::vector<const CLI::Option*> Options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

// "-c", "--json".
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
  std::string cases;
  for (const CLI::App* verb : Verbs(app)) {
    first.push_back(verb->get_name());
    absl::StrAppend(&cases, "    ", verb->get_name(), ") words='", absl::StrJoin(option_words(*verb), " "), " ", global,
                    "' ;;\n");
  }
  absl::StrAppend(&cases, "    '') words='", absl::StrJoin(first, " "), " ", global, "' ;;\n");
  return absl::StrReplaceAll(kBash, {{"$CASES", cases}});
}

// What _arguments takes for an option: its names exclude each other.
std::string ZshSpec(const CLI::Option& option) {
  const std::vector<std::string> names = Names(option);
  const std::string help = absl::StrReplaceAll(option.get_description(), {{"[", "("}, {"]", ")"}, {":", ";"}});
  const std::string value = TakesValue(option) ? absl::StrCat(":", option.get_type_name(), ":_files") : std::string();
  std::vector<std::string> specs;
  specs.reserve(names.size());
  for (const std::string& name : names) {
    specs.push_back(Quoted(absl::StrCat("(", absl::StrJoin(names, " "), ")", name, "[", help, "]", value)));
  }
  return absl::StrJoin(specs, " ");
}

std::string ZshSpecs(const CLI::App& app) {
  std::vector<std::string> specs;
  for (const CLI::Option* option : Options(app)) specs.push_back(ZshSpec(*option));
  return absl::StrJoin(specs, " ");
}

std::string Zsh(const CLI::App& app) {
  std::string verbs;
  std::string cases;
  for (const CLI::App* verb : Verbs(app)) {
    const std::string help = absl::StrReplaceAll(verb->get_description(), {{":", "\\:"}});
    absl::StrAppend(&verbs, "    ", Quoted(absl::StrCat(verb->get_name(), ":", help)), "\n");
    absl::StrAppend(&cases, "        ", verb->get_name(), ") _arguments ", ZshSpecs(*verb), " ", ZshSpecs(app),
                    " '*: :_files' ;;\n");
  }
  return absl::StrReplaceAll(kZsh, {{"$VERBS", verbs}, {"$GLOBAL", ZshSpecs(app)}, {"$CASES", cases}});
}

std::string FishOptions(const CLI::App& app, absl::string_view condition) {
  std::string out;
  for (const CLI::Option* option : Options(app)) {
    absl::StrAppend(&out, "complete -c verifyctl", condition);
    for (const std::string& name : option->get_snames()) absl::StrAppend(&out, " -s ", name);
    for (const std::string& name : option->get_lnames()) absl::StrAppend(&out, " -l ", name);
    absl::StrAppend(&out, TakesValue(*option) ? " -r" : "", " -d ", Quoted(option->get_description()), "\n");
  }
  return out;
}

std::string Fish(const CLI::App& app) {
  std::string out = absl::StrCat(kFish, FishOptions(app, ""));
  for (const CLI::App* verb : Verbs(app)) {
    absl::StrAppend(&out, "complete -c verifyctl -f -n __fish_use_subcommand -a ", verb->get_name(), " -d ",
                    Quoted(verb->get_description()), "\n");
    absl::StrAppend(&out, FishOptions(*verb, absl::StrCat(" -n '__fish_seen_subcommand_from ", verb->get_name(), "'")));
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
