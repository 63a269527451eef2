// What the screen of the audit log says.
import { say } from ".";

say({
  en: {
    audit: {
      actor: "Who",
      action: "What was done",
      subject: "To what",
      example: { actor: "person:jisu@example.com", action: "account.grant, key", subject: "alice" },
      clear: "Clear",
      none: "Nobody has changed anything yet.",
      noneSuch: "No change is like that.",
      because: "“{{reason}}”",
      by: "by",
      program: "the program",
      number: "no. {{id}}",
      pick: "Only these",
      before: "before:",
      after: "after:",
      value: "value",
    },
  },
  ko: {
    audit: {
      actor: "누가",
      action: "무엇을",
      subject: "대상",
      example: { actor: "person:jisu@example.com", action: "account.grant, key", subject: "alice" },
      clear: "지우기",
      none: "아직 변경한 기록이 없습니다.",
      noneSuch: "조건에 맞는 변경이 없습니다.",
      because: "“{{reason}}”",
      by: "변경:",
      program: "프로그램",
      number: "{{id}}번",
      pick: "이것만 보기",
      before: "이전:",
      after: "이후:",
      value: "값",
    },
  },
});
