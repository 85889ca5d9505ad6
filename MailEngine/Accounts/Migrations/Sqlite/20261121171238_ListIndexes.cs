using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ListIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_account_DisplayName_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_LastLoginAt_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_State_NormalizedUserName_DomainId",
                table: "account");

            migrationBuilder.CreateIndex(
                name: "IX_account_DisplayName_SearchText_DomainId_State",
                table: "account",
                columns: new[] { "DisplayName", "SearchText", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_LastLoginAt_SearchText_DomainId_State",
                table: "account",
                columns: new[] { "LastLoginAt", "SearchText", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_State_SearchText_DomainId",
                table: "account",
                columns: new[] { "State", "SearchText", "DomainId" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_account_DisplayName_SearchText_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_LastLoginAt_SearchText_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_State_SearchText_DomainId",
                table: "account");

            migrationBuilder.CreateIndex(
                name: "IX_account_DisplayName_DomainId_State",
                table: "account",
                columns: new[] { "DisplayName", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_LastLoginAt_DomainId_State",
                table: "account",
                columns: new[] { "LastLoginAt", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_State_NormalizedUserName_DomainId",
                table: "account",
                columns: new[] { "State", "NormalizedUserName", "DomainId" });
        }
    }
}
