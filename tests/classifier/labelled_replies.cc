#include "tests/classifier/labelled_replies.h"

#include <fstream>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"

namespace verifyd {
namespace {

Stage StageOf(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Stage::kQuit); ++i) {
    if (StageName(static_cast<Stage>(i)) == name) return static_cast<Stage>(i);
  }
  return Stage::kQuit;
}

}  // namespace

LabelledReplies ReadLabelledReplies(const std::string& path) {
  LabelledReplies result;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> columns = absl::StrSplit(line, '\t');
    if (columns.size() < 5) continue;
    columns.resize(6);
    if (columns[2].substr(0, 1) == "{") {
      ++result.events;
    } else if (columns[3] == "continue") {
      ++result.continued;
    } else {
      std::string text;
      if (!absl::CUnescape(columns[2], &text)) text = columns[2];
      absl::StatusOr<Reply> reply = Reply::Parse(text);
      if (!reply.ok()) {
        ++result.unreadable;
        continue;
      }
      result.rows.push_back({columns[0], StageOf(columns[1]), *std::move(reply), columns[3], columns[4], columns[5]});
    }
  }
  return result;
}

}  // namespace verifyd
