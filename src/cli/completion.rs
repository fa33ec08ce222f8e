//! `stack completion`.

use super::{Cli, Failure};
use crate::ui::stream;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a script that completes commands, flags and names of services in a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  source <(stack completion bash)                                   in this shell\n  stack completion fish > ~/.config/fish/completions/stack.fish     for good"
)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Asks the program itself for each word.
const BASH: &str = r#"# bash completion of stack
_stack_complete() {
    local answer line word=${COMP_WORDS[COMP_CWORD]} directive=0
    answer=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :*) directive=${line#:} ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done <<<"$answer"
    case ${COMPREPLY[0]:-} in *=) compopt -o nospace 2>/dev/null ;; esac
    if [ "$directive" = 0 ]; then compopt -o default 2>/dev/null; fi
    return 0
}
complete -F _stack_complete stack
"#;

const ZSH: &str = r#"#compdef stack
# zsh completion of stack
_stack() {
    local line directive=0
    local -a found
    for line in "${(@f)$(${words[1]} __complete ${words[2,CURRENT]:-''} 2>/dev/null)}"; do
        case $line in
            :*) directive=${line#:} ;;
            ?*) found+=("${${line%%$'\t'*}//:/\\:}${${(M)line%%*$'\t'*}:+:${line#*$'\t'}}") ;;
        esac
    done
    if (( $#found )); then _describe -V word found; elif [[ $directive == 0 ]]; then _files; fi
}
if [[ $funcstack[1] == _stack ]]; then _stack "$@"; else compdef _stack stack; fi
"#;

const FISH: &str = r"# fish completion of stack
function __stack_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
# fish brings words for another program of this name.
complete -c stack -e
complete -c stack -f -a '(__stack_complete)'
";

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let own = [(Shell::Bash, BASH), (Shell::Zsh, ZSH), (Shell::Fish, FISH)];
    if let Some((_, script)) = own.into_iter().find(|(shell, _)| *shell == args.shell) {
        stream::data(script)?;
        return Ok(());
    }
    // Commands and flags alone.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stack", &mut script);
    stream::data(&String::from_utf8_lossy(&script))?;
    Ok(())
}
