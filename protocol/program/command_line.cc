#include "protocol/program/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

std::vector<CLI::App*> Verbs(CLI::App& app) {
  return app.get_subcommands([](const CLI::App* verb) { return !verb->get_name().empty(); });
}

// With those of its groups, which CLI11 has as verbs without a name.
void AddOptionNames(CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (CLI::App* group : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (group->get_name().empty()) AddOptionNames(*group, names);
  }
}

std::string DidYouMean(const std::string& nearest, const std::string& help) {
  return nearest.empty() ? help : absl::StrCat("did you mean ", nearest, "? ", help);
}

// What `thrown` says, or, where there is one, the argument that nobody knows: CLI11 would first
// complain about what else is missing.
absl::Status UsageError(CLI::App& app, const CLI::ParseError& thrown) {
  std::string command = app.get_name();
  std::vector<std::string> options;
  AddOptionNames(app, options);
  for (CLI::App* verb : app.get_subcommands()) {
    absl::StrAppend(&command, " ", verb->get_name());
    AddOptionNames(*verb, options);
  }
  const std::string help = absl::StrCat("`", command, " --help` shows what it takes");
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  auto option = std::find_if(unknown.begin(), unknown.end(), [](const std::string& argument) {
    return absl::StartsWith(argument, "-");
  });
  if (option != unknown.end()) {
    const std::string nearest = NearestWord(absl::StripPrefix(*option, "--"), options);
    return BadInput(
        {.code = "argument_unknown",
         .what = absl::StrCat("arguments of ", command),
         .expected = absl::StrCat("--", absl::StrJoin(options, ", --")),
         .found = *option,
         .advice = DidYouMean(nearest.empty() ? "" : absl::StrCat("--", nearest), help)});
  }
  std::vector<std::string> verbs;
  for (const CLI::App* verb : Verbs(app)) verbs.push_back(verb->get_name());
  if (!verbs.empty() && app.get_subcommands().empty()) {
    const std::string found = unknown.empty() ? "none" : unknown.front();
    return BadInput({.code = "verb_unknown",
                     .what = absl::StrCat("verb of ", command),
                     .expected = absl::StrCat("one of ", absl::StrJoin(verbs, ", ")),
                     .found = found,
                     .advice = DidYouMean(NearestWord(found, verbs), help)});
  }
  return BadInput(
      {.code = "usage_wrong", .what = absl::StrCat(command, ": ", thrown.what()), .advice = help});
}

}  // namespace

std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv) {
  const std::string name = app.get_name();
  app.set_version_flag("--version", absl::StrCat(name, " " SEALFOLD_VERSION));
  if (!Verbs(app).empty()) {
    app.require_subcommand(1);
    app.footer(absl::StrCat("`", name, " VERB --help` explains a verb, with an example:\n  ", name,
                            " ", Verbs(app).front()->get_name(), " --help"));
  }
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // prints help or version
    const bool json = std::any_of(argv, argv + argc,
                                  [](absl::string_view argument) { return argument == "--json"; });
    (void)Output(json).Finish(UsageError(app, error));
    return kExitUsage;
  }
}

int RunVerbs(CLI::App& app, const Verb& called, const char* json_help, int argc, char** argv) {
  bool json = false;
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verb->add_flag("--json", json, json_help);
  }
  if (const std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(called(output));
}

int RunProgram(int (*run)(int argc, char** argv), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return 1;
  }
}

}  // namespace sealfold
