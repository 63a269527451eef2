// What the screen of API keys says.
import { say } from ".";

say({
  en: {
    keys: {
      make: "New key",
      lead: "Programs call with a key, and you pay for it.",
      once: "Copy it now: nobody can show it again.",
      name: "Name",
      example: "report bot",
      unnamed: "Without a name",
      none: "You have no keys yet.",
      made: "made {{at}}",
      used: "last used {{at}}",
      unused: "never used",
      copy: "Copy",
      copied: "Copied",
      done: "Done",
      keep: "Keep it",
      revoke: "Revoke",
      revokeTitle: "Revoke {{name}}?",
      revokeLead: "Programs that use it are refused from now on. This cannot be undone.",
      state: { active: "active", revoked: "revoked", expired: "expired" },
    },
  },
  ko: {
    keys: {
      make: "새 키",
      lead: "프로그램이 이 키로 호출하고, 비용은 본인 계정에서 나갑니다.",
      once: "지금 복사해 두세요. 다시 볼 수 없습니다.",
      name: "이름",
      example: "보고서 봇",
      unnamed: "이름 없음",
      none: "아직 키가 없습니다.",
      made: "{{at}} 생성",
      used: "{{at}} 마지막 사용",
      unused: "사용한 적 없음",
      copy: "복사",
      copied: "복사됨",
      done: "완료",
      keep: "유지",
      revoke: "폐기",
      revokeTitle: "{{name}} 키를 폐기할까요?",
      revokeLead: "이 키를 쓰는 프로그램은 바로 거부됩니다. 되돌릴 수 없습니다.",
      state: { active: "사용 중", revoked: "폐기됨", expired: "만료됨" },
    },
  },
});
