# cmake -D RULES=rules.txt -D OUTPUT=built_in_rules.cc -P embed_rules.cmake: writes the rule file as a C++ string.
file(READ ${RULES} text)
string(FIND "${text}" ")rules\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "${RULES} holds the end mark of the string it is put into")
endif()
file(WRITE ${OUTPUT} "#include \"classifier/built_in_rules.h\"

namespace verifyd {

absl::string_view BuiltInRules() {
  static constexpr char kRules[] = R\"rules(${text})rules\";
  return absl::string_view(kRules, sizeof(kRules) - 1);
}

}  // namespace verifyd
")
