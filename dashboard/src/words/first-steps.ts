// What a new deployment says to its first owner.
import { say } from ".";

say({
  en: {
    firstOwner: {
      title: "Welcome to tokenhouse",
      lead: "You set this server up, so you become its owner. The link works once.",
      name: "Your name",
      send: "Become the owner",
    },
    firstSteps: {
      title: "First steps",
      chat: "Try the chat",
      chatLead: "The offline demo model answers, and each answer is charged to your account.",
      samples: "Load sample data",
      samplesLead: "Two weeks of real traffic of 72 accounts are replayed, so that the pages of the operation have something to show.",
      loading: "Replaying real traffic …",
      failed: "The replay did not come to its end.",
      progress: "{{done}} of {{total}} requests",
      people: "Let others in",
      peopleLead: "Operators, auditors and users, each by a link of their own.",
    },
  },
  ko: {
    firstOwner: {
      title: "tokenhouse에 오신 것을 환영합니다",
      lead: "이 서버를 설치한 분이 소유자가 됩니다. 링크는 한 번만 사용할 수 있습니다.",
      name: "이름",
      send: "소유자로 시작하기",
    },
    firstSteps: {
      title: "첫걸음",
      chat: "채팅 시작하기",
      chatLead: "오프라인 데모 모델이 답변하며, 답변마다 내 계정에 청구됩니다.",
      samples: "예시 데이터 넣기",
      samplesLead: "72개 계정의 실제 트래픽 2주분을 재생하여 운영 화면을 채웁니다.",
      loading: "실제 트래픽을 재생하는 중…",
      failed: "재생이 끝까지 진행되지 못했습니다.",
      progress: "요청 {{total}}건 중 {{done}}건",
      people: "다른 사람 초대하기",
      peopleLead: "운영자, 감사자, 사용자를 각자의 링크로 초대합니다.",
    },
  },
});
